/* One that has come to the process that receives: what it wishes, as far as that has arrived. */
#ifndef CHAPPE_CLI_HANDOVER_CLIENT_H
#define CHAPPE_CLI_HANDOVER_CLIENT_H

#include "src/cli/handover_socket.h"

struct handover_client {
	int fd; /* -1: free */
	struct handover_request head;
	char *body; /* name and data; NULL until the head is complete */
	size_t got; /* bytes of the one that is being read */
	/* A message: taken, and its outcome is waited for. */
	bool complete;
	bool wants_to_borrow;
	int64_t until_ms; /* of both */
	struct cli_sent sent;
	char name[CHAPPE_NAME_MAX_BYTES + 1];
};

/* Reads what has come. True once, when all of a message is there: body holds it, name its contact.
 * One that is gone, or makes no sense, is dropped. */
bool handover_client_read(struct handover_client *client);
/* Whether it has closed its end; a client that waits says nothing more. */
bool handover_client_gone(const struct handover_client *client);
/* False where it is gone. */
bool handover_client_tell(const struct handover_client *client, uint32_t answer);
/* Closes, wipes: it is free. */
void handover_client_drop(struct handover_client *client);

#endif
