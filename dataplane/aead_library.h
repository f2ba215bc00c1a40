/* Copies of intel-ipsec-mb. Each call of its version 1.3, of the functions as of the jobs, writes a
 * global of the library (imb_errno), and two writes of a frame are two times that a cache line
 * changes hands between all workers that share it: more workers would relay no more frames. So each
 * worker but the first has a copy of the library's file, which the dynamic linker takes for another
 * library, with globals of its own. */
#ifndef CHAPPE_DATAPLANE_AEAD_LIBRARY_H
#define CHAPPE_DATAPLANE_AEAD_LIBRARY_H

#include <intel-ipsec-mb.h>

/* What is called by name; everything else goes by the pointers in a manager. */
struct aead_library {
	void *handle; /* of a copy; NULL: the library that this program is linked with */
	int file;     /* of a copy: in memory, sealed */
	IMB_MGR *(*alloc)(uint64_t flags);
	void (*free)(IMB_MGR *mgr);
	void (*init)(IMB_MGR *mgr, IMB_ARCH *arch);
	int (*error)(IMB_MGR *mgr);
};

/* The library as linked. */
void aead_library_linked(struct aead_library *library);

/* A copy, about 13 MB. 0 or -errno; -ENOTSUP under a sanitizer. Before privileges are dropped. */
int aead_library_copy(struct aead_library *library) __attribute__((warn_unused_result));

/* After the last manager of it was freed. */
void aead_library_close(struct aead_library *library);

#endif
