/* `store.sock` between dataplane and chappe-store: SOCK_SEQPACKET on a socket of the dataplane, on
 * which one chappe-store at a time connects. It carries two messages; all else goes through shared
 * memory (share.h). Both ends are built together and run on one host: native integers, no padding.
 *
 * dataplane -> hello, with LINK_DESCRIPTORS by SCM_RIGHTS; chappe-store maps, attaches and ->
 * ready. From then on workers fill their rings; the dataplane sends SHARE_RESYNC and SHARE_ONLINE
 * for each device that has a confirmed session. The end of the connection is the end of either
 * process. */
#ifndef CHAPPE_STORE_LINK_MSG_H
#define CHAPPE_STORE_LINK_MSG_H

#include <stdint.h>

enum { LINK_VERSION = 3 };

/* The descriptors of the hello, in this order. */
enum link_descriptor {
	LINK_MEMORY, /* memfd of share_make() */
	/* One end of a pair of SOCK_SEQPACKET sockets. The dataplane's main lcore rings, by a
	 * message of 8 bytes, while up or events is not empty, chappe-store after it has filled
	 * down. Not an eventfd: whoever shares one can make the other side's calls block, which
	 * those with MSG_DONTWAIT on a socket never do. */
	LINK_BELL,
	LINK_DESCRIPTORS,
};

struct link_hello {
	uint32_t version; /* LINK_VERSION, else the receiver closes the link */
	uint32_t workers;
	uint32_t devices_max; /* slots 0..devices_max-1 */
	uint32_t reserved;
	uint64_t boot; /* drawn at the dataplane's start: with another one, slots mean others */
};

struct link_ready {
	uint32_t version;
	uint32_t reserved;
};

#endif
