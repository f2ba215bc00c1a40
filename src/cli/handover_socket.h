/* The socket in a device's directory at which a process that receives meets those that want to send
 * or to have the directory for a while, and what they say there. Both ends are the same program on
 * the same machine: integers are native. */
#ifndef CHAPPE_CLI_HANDOVER_SOCKET_H
#define CHAPPE_CLI_HANDOVER_SOCKET_H

#include "src/cli/cli.h"

enum { HANDOVER_MAGIC = 0x34706863 };

enum handover_wish {
	HANDOVER_SEND = 1, /* name and data follow. The answer is two uint32_t: enum handover_taken
			    * at once, enum chappe_error when the outcome is known */
	HANDOVER_BORROW = 2, /* the answer is one, HANDOVER_LENT, when the directory is free; it is
			      * given back by closing the connection */
};

enum handover_taken {
	HANDOVER_WAITS = 1, /* for the contact to be ready */
	HANDOVER_QUEUED = 2,
	HANDOVER_LENT = 3,
};

struct handover_request {
	uint32_t magic, wish, timeout_ms, name_len, data_len;
	struct cli_sending sending;
};

/* A connection to the process that receives, on which no call takes much longer than timeout_ms; -1
 * where there is none. */
int handover_connect(const char *directory, int timeout_ms);
bool handover_write(int fd, const void *data, size_t len);

/* Listens; *dir is the directory. -1 where that can't be. */
int handover_listen(const char *directory, int *dir);
/* Either may be -1. */
void handover_unlisten(int listener, int dir);

#endif
