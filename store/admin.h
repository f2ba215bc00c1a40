/* `store-admin.sock` (admin_msg.h): a few administrators at a time, root or this process's user.
 * Nothing here blocks; a peer that does not take its reply is left. */
#ifndef CHAPPE_STORE_ADMIN_H
#define CHAPPE_STORE_ADMIN_H

#include "admin_msg.h"
#include "service.h"

enum { ADMIN_PEERS_MAX = 4, ADMIN_REQUESTS_A_TURN = 8, ADMIN_SOCKET_BYTES = 108 };

struct admin {
	struct service *service;
	char path[ADMIN_SOCKET_BYTES];
	int listener;
	int peers[ADMIN_PEERS_MAX]; /* -1: none */
	int waiting;                /* the peer whose BACKUP or BACKUP_END is under way; -1: none */
};

/* Makes the socket, 0600; a socket that a dead process left is replaced. With privileges it is
 * given to an account. 0, or -errno with a text. */
int admin_listen(struct admin *admin, const char *run_dir, uid_t uid, gid_t gid,
	char error[SERVICE_ERROR_BYTES]);
void admin_close(struct admin *admin);

/* Accepts who waits. Returns the descriptor to watch, or -1. */
int admin_accept(struct admin *admin);
/* Answers what a peer asks. False where it is gone: its descriptor is closed; and for what is no
 * peer's descriptor (any more), which is left alone. */
bool admin_serve(struct admin *admin, int peer);

/* Replies to who waits for work that has ended. */
void admin_turn(struct admin *admin);

/* admin_op.c: does what is asked. False where the reply comes later, from admin_finish(). */
bool admin_do(
	struct service *service, const struct admin_request *request, struct admin_reply *reply);
void admin_finish(const struct service *service, struct admin_reply *reply);

#endif
