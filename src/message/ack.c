#include "src/message/ack.h"
#include <errno.h>

size_t ack_write(const struct ack *ack, uint8_t *data)
{
	struct ack_head head = {
		.floor = put64(ack->floor),
		.done = put64(ack->done),
		.epoch = put64(ack->epoch),
		.newest = put64(ack->newest),
		.delay_us = put32(ack->delay_us),
	};
	memcpy(data, &head, sizeof head);
	for (unsigned i = 0; i < ack->count; i++) {
		struct ack_range range = {
			.message_offset = put32((uint32_t)(ack->ranges[i].message - ack->done)),
			.first = put16(ack->ranges[i].first),
			.last = put16(ack->ranges[i].last),
		};
		memcpy(data + sizeof head + i * sizeof range, &range, sizeof range);
	}
	return sizeof head + ack->count * sizeof(struct ack_range);
}

int ack_parse(const uint8_t *data, size_t len, struct ack *ack)
{
	struct ack_head head;

	if (len < sizeof head || len > SEAL_LARGE_DATA_BYTES ||
		(len - sizeof head) % sizeof(struct ack_range))
		return -EPROTO;
	memcpy(&head, data, sizeof head);
	ack->floor = get64(head.floor);
	ack->done = get64(head.done);
	ack->epoch = get64(head.epoch);
	ack->newest = get64(head.newest);
	ack->delay_us = get32(head.delay_us);
	ack->count = (unsigned)((len - sizeof head) / sizeof(struct ack_range));
	if (ack->floor == 0 || ack->floor > UINT64_MAX - MESSAGE_WINDOW || ack->done == 0 ||
		ack->done > UINT64_MAX - MESSAGE_WINDOW || get32(head.zero))
		return -EPROTO;
	for (unsigned i = 0; i < ack->count; i++) {
		struct ack_range range;
		memcpy(&range, data + sizeof head + i * sizeof range, sizeof range);
		uint16_t first = get16(range.first), last = get16(range.last);
		bool whole = first == 0 && last == ACK_WHOLE;
		if (get32(range.message_offset) >= MESSAGE_WINDOW || first > last ||
			(!whole && last >= SEAL_FRAGMENTS_MAX))
			return -EPROTO;
		ack->ranges[i].message = ack->done + get32(range.message_offset);
		ack->ranges[i].first = first;
		ack->ranges[i].last = last;
	}
	return 0;
}

void ack_add(struct ack *ack, uint64_t message, uint16_t first, uint16_t last)
{
	if (ack->count == ACK_RANGES_MAX)
		return;
	for (unsigned i = 0; i < ack->count; i++)
		if (ack->ranges[i].message == message && ack->ranges[i].first == first &&
			ack->ranges[i].last == last)
			return;
	ack->ranges[ack->count].message = message;
	ack->ranges[ack->count].first = first;
	ack->ranges[ack->count].last = last;
	ack->count++;
}
