#include "table_msg.h"

#include "counters.h"
#include <errno.h>

struct table_message_kind {
	uint16_t op;
	uint16_t directions; /* enum table_direction, as bits */
	uint32_t record_bytes;
};

static const struct table_message_kind table_message_kinds[] = {
#define X(name, code, direction, record, help) { code, TABLE_##direction, sizeof(record) },
	TABLE_MESSAGES(X)
#undef X
};

/* How many records a message of this op must have, or -1 where any number will do. */
static int64_t table_message_records(const struct table_message_kind *kind)
{
	switch (kind->op) {
	case TABLE_HELLO:
	case TABLE_ACK:
		return 1;
	case TABLE_STATS:
		return COUNTER_COUNT;
	case TABLE_STAGES:
		return STAGE_COUNT;
	default:
		return kind->record_bytes ? -1 : 0;
	}
}

int table_message_check(const void *message, size_t len, enum table_direction to)
{
	struct table_head head;
	if (len < sizeof head || len > TABLE_MESSAGE_BYTES)
		return -EBADMSG;
	memcpy(&head, message, sizeof head);
	if (head.flags & ~TABLE_LAST)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof table_message_kinds / sizeof *table_message_kinds; i++) {
		const struct table_message_kind *kind = &table_message_kinds[i];
		if (kind->op != head.op)
			continue;
		int64_t records = table_message_records(kind);
		if (!(kind->directions & to) || (records >= 0 && head.count != records))
			return -EBADMSG;
		return len - sizeof head == (uint64_t)head.count * kind->record_bytes ? 0
										      : -EBADMSG;
	}
	return -EBADMSG;
}
