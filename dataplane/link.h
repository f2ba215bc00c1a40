/* A UNIX socket of the dataplane on which one control, or one store, at a time connects:
 * SOCK_SEQPACKET, 0600, peers checked by their credentials. Who may administer by control's API has
 * no business here: this is where session keys go. Nothing here blocks. */
#ifndef CHAPPE_DATAPLANE_LINK_H
#define CHAPPE_DATAPLANE_LINK_H

#include "confine.h"
#include <stdint.h>

struct link {
	const char *name;         /* of the socket in the run directory */
	const char *peer;         /* the program that connects */
	int listener, connection; /* -1: none */
	int epoll;
	uint32_t events; /* epoll data of listener; events + 1 that of connection */
	uid_t uid;       /* peers: root or this user */
	pid_t pid;       /* of who connected last, 0 where that is in another namespace */
	/* Whoever connected to this one last is another program, of the same account: not let in.
	 */
	const struct link *other;
	char path[108];
};

/* Makes the socket, 0600 and the account's; a socket that a dead process left is replaced. Returns
 * 0, or -EADDRINUSE where another process listens there, or -errno; with a text. */
int link_listen(struct link *link, const char *name, const char *peer, const char *run_dir,
	int epoll, uint32_t events, const struct confine_account *account, char *error,
	size_t error_len);

/* Whether link_listen() will find nobody there: asked before ports are touched, which a process
 * that runs may be using. Returns as link_listen(). */
int link_check(const char *name, const char *run_dir, char *error, size_t error_len);

/* Accepts who waits. True: there is a new connection (the one before it was dead and is closed). A
 * second live one and strangers are refused. */
bool link_accept(struct link *link);

void link_disconnect(struct link *link, const char *why);
void link_close(struct link *link);

#endif
