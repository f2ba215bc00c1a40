/* The link to control in three files: table_link.c holds the connection and takes messages off it,
 * table_apply.c does what they say, table_report.c tells control. */
#ifndef CHAPPE_DATAPLANE_TABLE_LINK_PRIVATE_H
#define CHAPPE_DATAPLANE_TABLE_LINK_PRIVATE_H

#include "table_link.h"

/* Queues a message for control; out of memory, the link is lost. */
void table_link_add(struct table_link *table, enum table_op op, uint64_t seq, uint16_t flags,
	const void *records, uint32_t count, size_t record_bytes);
/* Disconnects, and forgets what was between both; why is for the log. */
void table_link_lose(struct table_link *table, const char *why);

void table_link_greet(struct table_link *table, const struct table_hello *hello);
/* One record of a message; op and length were checked (table_msg.h). Returns 0 or -errno. */
int table_link_apply(struct table_link *table, uint16_t op, const void *record);

/* A dump of all sessions as the answer to seq, message by message from table_link_dump(). Returns 0
 * or -EBUSY. */
int table_link_ask_dump(struct table_link *table, uint64_t seq);
void table_link_dump(struct table_link *table);
void table_link_stats(struct table_link *table, uint64_t seq);
void table_link_stages(struct table_link *table, uint64_t seq);
/* Stops timing them when nobody has asked for a while. */
void table_link_stages_end(struct table_link *table);
void table_link_confirm(struct table_link *table);
/* Frees what no worker reads any more, and tells of the sessions among it. */
void table_link_reclaim(struct table_link *table);

#endif
