/* What the files of deliver.h share. */
#ifndef CHAPPE_STORE_DELIVER_PRIVATE_H
#define CHAPPE_STORE_DELIVER_PRIVATE_H

#include "deliver.h"

enum { DELIVER_NONE = UINT32_MAX /* no device, no place */ };

enum deliver_outcome {
	DELIVER_OUT,     /* and there may be more */
	DELIVER_NOTHING, /* waits, or may be out */
	DELIVER_RING_FULL,
	DELIVER_UNREADABLE, /* damaged: it is given up */
	DELIVER_TROUBLE,    /* the disk does not read, for now */
};

/* deliver_send.c. Goes round the mailboxes of a device, until it has what it may have or a whole
 * round sent nothing. */
enum deliver_outcome deliver_serve(struct deliver *deliver, uint32_t number, struct ring *down);

#endif
