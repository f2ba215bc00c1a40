/* The data of an ack (seal type 2; docs/protocol.md, acknowledgements): struct ack_head, then any
 * number of struct ack_range. One is sent for what came (ack_head.newest) and may say all it knows;
 * a later one never takes back what is durable. */
#ifndef CHAPPE_ACK_H
#define CHAPPE_ACK_H

#include "src/message/message.h"

struct ack_head {
	/* Direction of the ack: its sender has finished with all of its own messages below. */
	le64 floor;
	/* Against the direction: all messages below are durable at the ack's sender, or were given
	 * up by theirs. */
	le64 done;
	/* Which memory of unfinished messages the ranges speak of: run of the device in the upper
	 * 32 bits, messages dropped in this run in the lower. It grows; when it has, ranges of
	 * lower epochs are void. */
	le64 epoch;
	le64 newest;   /* frame_id of the last data or hello that came, 0 = none in this run */
	le32 delay_us; /* since newest came */
	le32 zero;
};

/* Fragments first to last (both inclusive) of message number done + message_offset have come and
 * are held in memory; or, where first is 0 and last ACK_WHOLE, the message is durable. */
struct ack_range {
	le32 message_offset; /* < MESSAGE_WINDOW */
	le16 first, last;
};

enum {
	ACK_WHOLE = 0xffff,
	ACK_RANGES_SMALL = /* 37 */
	(SEAL_SMALL_DATA_BYTES - sizeof(struct ack_head)) / sizeof(struct ack_range),
	ACK_RANGES_MAX = /* 127 */
	(SEAL_LARGE_DATA_BYTES - sizeof(struct ack_head)) / sizeof(struct ack_range),
};
_Static_assert(sizeof(struct ack_head) == 40 && sizeof(struct ack_range) == 8, "ack layout");

struct ack {
	uint64_t floor, done, epoch, newest;
	uint32_t delay_us;
	unsigned count;
	struct {
		uint64_t message;
		uint16_t first, last;
	} ranges[ACK_RANGES_MAX];
};

/* Writes the ack to data, SEAL_LARGE_DATA_BYTES long; returns the bytes written. */
size_t ack_write(const struct ack *ack, uint8_t *data);

/* Returns 0, or -EPROTO: wrong length, floor or done 0, reserved bytes, an offset outside the
 * window, first > last, or a fragment that no message has. */
int ack_parse(const uint8_t *data, size_t len, struct ack *ack) __attribute__((warn_unused_result));

/* Adds a range unless it is there or there is no room. */
void ack_add(struct ack *ack, uint64_t message, uint16_t first, uint16_t last);

#endif
