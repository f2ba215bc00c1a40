/* One SOCK_SEQPACKET connection to a UNIX socket of another process, made again whenever it breaks:
 * after 50 ms, then after 100 ms. A failure is logged once, until a message has come
 * over a new connection. */
#ifndef CHAPPE_CONTROL_CHANNEL_H
#define CHAPPE_CONTROL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;
struct event_base;

enum { CHANNEL_MESSAGE_BYTES = 65536 };

/* What the owner does with it; NULL where it does nothing, but for message. All are called from the
 * event loop; none may destroy the channel. */
struct channel_calls {
	void (*up)(void *arg);
	void (*down)(void *arg); /* whatever was on its way is lost */
	/* A message, aligned to 8 bytes; it is wiped afterwards. Anything but 0 breaks the
	 * connection. */
	int (*message)(void *arg, const uint8_t *bytes, size_t len);
	/* The socket takes messages again; after -EAGAIN from channel_send(). */
	void (*writable)(void *arg);
	void (*turn)(void *arg); /* after the message() calls of one turn of the event loop */
};

/* name and peer are for the log: of the link, and of the process at its other end. The first
 * attempt is made at once, from the event loop. priority is that of libevent. Returns 0 or -ENOMEM.
 */
int channel_create(struct channel **channel, struct event_base *base, const char *path,
	const char *name, const char *peer, int priority, const struct channel_calls *calls,
	void *arg);
void channel_destroy(struct channel *channel);

bool channel_is_up(const struct channel *channel);
/* Returns 0, -EAGAIN when the socket is full, -ENOTCONN when it is down or just broke (down() is
 * then called from the event loop). */
int channel_send(struct channel *channel, const void *bytes, size_t len);
/* Breaks the connection, from the event loop; it is made again. why is for the log. */
void channel_break(struct channel *channel, const char *why);

#endif
