/* Client of the message store's admin socket (store/admin_msg.h): questions wait in line, one is
 * with the store at a time, beside one for BACKUP, in a line of its own, and each has a time after
 * which the asker is told, whatever the store does. Called on the event-loop thread; never waits.
 */
#ifndef CHAPPE_CONTROL_MESSAGE_LINK_H
#define CHAPPE_CONTROL_MESSAGE_LINK_H

#include "store/admin_msg.h"

#include <stdbool.h>

struct event_base;
struct message_link;

enum { MESSAGE_LINK_LINE = 8192 }; /* questions in line; further ones are refused */

/* error 0: the store's reply, whose result is 0 or -errno with a text. -ENOTCONN: the connection
 * broke. -ETIMEDOUT. -ECANCELED: control ends. reply is NULL for these. */
typedef void message_link_done(void *arg, int error, const struct admin_reply *reply);

struct message_link_calls {
	void (*up)(void *arg);
	void (*down)(void *arg);
};

/* Returns 0 or -errno. Tries to connect from the event loop, for as long as it lives. */
int message_link_create(struct message_link **link, struct event_base *base, const char *path,
	const struct message_link_calls *calls, void *arg);
void message_link_destroy(struct message_link *link);
bool message_link_is_up(const struct message_link *link);

/* Copies the question. done is called once, from the event loop. Returns 0, -ENOTCONN, -ENOBUFS or
 * -ENOMEM, and then calls nothing. */
int message_link_ask(struct message_link *link, const struct admin_request *request,
	uint32_t wait_ms, message_link_done *done, void *arg);
/* No more calls for what was asked with this arg. */
void message_link_forget(struct message_link *link, const void *arg);

#endif
