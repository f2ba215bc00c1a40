/* Client of the `table` link (src/table_msg.h): hello, leases, acknowledgements, questions. It
 * knows how messages travel; what is in step with what is decided by sync.c. */
#ifndef CHAPPE_CONTROL_TABLE_LINK_H
#define CHAPPE_CONTROL_TABLE_LINK_H

#include "control.h"

struct table_link;

struct table_link_calls {
	/* HELLO came: how large the dataplane is. Before anything else of a connection. Anything
	 * but 0 breaks it. */
	int (*hello)(void *arg, const struct table_hello *hello, bool other_boot);
	/* The sessions that the dataplane has on connecting, one by one. */
	void (*dumped)(void *arg, const struct table_session *session);
	/* Called when all before has been sent, to add the next part of a synchronisation; begins
	 * after the last dumped(). True: call again. */
	bool (*sync)(void *arg);
	void (*confirmed)(void *arg, const struct table_confirmed *confirmed, uint32_t count);
	void (*ended)(void *arg, const struct table_ended *ended);
	/* What became of a record that was added with a tag: 0, the dataplane's -errno, -ENOTCONN
	 * when the link broke first, -EAGAIN when several records of its message failed and the
	 * dataplane named another one. */
	void (*acked)(void *arg, enum table_op op, uint64_t tag, int error);
	/* Records without a tag failed. */
	void (*refused)(void *arg, enum table_op op, uint32_t failed, int error);
	void (*down)(void *arg);
};

struct table_link_own {
	const uint8_t *relay_public; /* 32 bytes */
	const uint8_t *reset_secret; /* 32 bytes */
	uint32_t suites;
};

/* own and calls stay the caller's. counters: table_messages_*, links_lost. Returns 0 or -errno. */
int table_link_create(struct table_link **link, struct event_base *base, const char *path,
	const struct table_link_own *own, const struct table_link_calls *calls, void *arg,
	uint64_t *counters);
void table_link_destroy(struct table_link *link);

/* True from HELLO until the connection breaks. */
bool table_link_is_up(const struct table_link *link);
/* Differs for every connection; what was leased under another one is void. */
uint64_t table_link_epoch(const struct table_link *link);

/* Adds a record to what is sent at the end of this turn of the event loop, in the order of the
 * calls. record is NULL for ops without one. tag 0: no acked() wanted. -ENOTCONN when down. */
int table_link_add(struct table_link *link, enum table_op op, const void *record, uint64_t tag);
/* Sends at once what was added so far. 0 when the socket has taken all of it, -EAGAIN or -ENOTCONN.
 */
int table_link_flush(struct table_link *link);
/* Bytes that wait for the socket. */
size_t table_link_backlog(const struct table_link *link);

/* A session index of that owner, each at most once; -ENOSPC when there is none at hand. */
int table_link_lease(struct table_link *link, uint32_t owner, uint32_t *index);
/* Gives back one that was never sent to the dataplane. */
void table_link_unlease(struct table_link *link, uint32_t index);
uint32_t table_link_leased(const struct table_link *link);

/* SESSION_LIST, STATS_GET or STAGES_GET: part() for each message of the answer, done() at its end.
 */
typedef void table_link_part(void *arg, const void *records, uint32_t count);
int table_link_ask(struct table_link *link, enum table_op op, table_link_part *part,
	control_done *done, void *arg);

#endif
