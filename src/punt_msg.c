#include "punt_msg.h"

#include <errno.h>

static bool punt_record_ok(const struct punt_record *record, bool to_control)
{
	bool cell = record->len == WIRE_SMALL_BYTES || record->len == WIRE_LARGE_BYTES;
	bool inner = record->len == WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES ||
		     record->len == WIRE_LARGE_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES;
	switch (record->kind) {
	case PUNT_INIT:
		return to_control && record->len == WIRE_SMALL_BYTES;
	case PUNT_CONTROL:
		return to_control && inner;
	case PUNT_SEND_RAW:
		return !to_control && cell;
	case PUNT_SEND_SESSION:
		return !to_control && inner;
	default:
		return false;
	}
}

int punt_message_check(const struct punt_record *records, size_t len, bool to_control)
{
	size_t count = len / sizeof *records;
	if (count == 0 || len % sizeof *records || len > PUNT_MESSAGE_BYTES)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (!punt_record_ok(&records[i], to_control))
			return -EBADMSG;
	return 0;
}
