#include "src/device/device.h"

static const uint64_t OP_PAUSE_NS = 500000000;
static const uint64_t OP_PAUSE_MAX_NS = 8000000000;

void device_op_start(struct chappe *c, struct device_op *op, enum control_op code,
	uint64_t frame_id, const void *body, size_t len)
{
	*op = (struct device_op){
		.running = true,
		.op = code,
		.frame_id = frame_id,
		.pause_ns = OP_PAUSE_NS,
		.next_ns = device_now(c),
		.body_len = len,
	};
	if (len)
		memcpy(op->body, body, len);
}

void device_control_limits(struct chappe *c)
{
	uint64_t frame_id;

	randombytes_buf(&frame_id, sizeof frame_id);
	device_op_start(c, &c->limits_op, CONTROL_OP_LIMITS_GET, frame_id, NULL, 0);
}

static void send_op(struct chappe *c, struct device_op *op, uint64_t now_ns)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_CONTROL, .frame_id = put64(op->frame_id) } };
	struct control_head head = { put16((uint16_t)op->op), put16((uint16_t)op->body_len) };

	memcpy(cell.inner.payload, &head, sizeof head);
	memcpy(cell.inner.payload + sizeof head, op->body, op->body_len);
	if (device_hop_send(&c->hop, &cell, sizeof cell, now_ns) == 0) {
		op->next_ns = now_ns + op->pause_ns;
		op->pause_ns = device_earlier(op->pause_ns * 2, OP_PAUSE_MAX_NS);
	}
}

static void tick_op(struct chappe *c, struct device_op *op, uint64_t now_ns, bool restored)
{
	if (!op->running)
		return;
	if (restored) {
		op->next_ns = now_ns;
		op->pause_ns = OP_PAUSE_NS;
	}
	if (now_ns >= op->next_ns)
		send_op(c, op, now_ns);
}

void device_control_tick(struct chappe *c, uint64_t now_ns, bool restored)
{
	tick_op(c, &c->limits_op, now_ns, restored);
	for (size_t i = 0; i < c->contact_count; i++)
		tick_op(c, &c->contacts[i]->op, now_ns, restored);
}

uint64_t device_control_deadline(const struct chappe *c)
{
	uint64_t due = c->limits_op.running ? c->limits_op.next_ns : UINT64_MAX;

	for (size_t i = 0; i < c->contact_count; i++)
		if (c->contacts[i]->op.running)
			due = device_earlier(due, c->contacts[i]->op.next_ns);
	return due;
}

/* Busy: the relay could not write it down. The operation stays and is repeated after its pause. */
static bool answers(
	struct device_op *op, uint64_t frame_id, uint16_t code, enum control_status status)
{
	if (!op->running || op->frame_id != frame_id ||
		code != ((uint16_t)op->op | CONTROL_OP_ANSWER) || status == CONTROL_BUSY)
		return false;
	op->running = false;
	return true;
}

static void take_limits(struct chappe *c, const uint8_t *body, size_t len)
{
	struct control_limits_answer limits;

	if (len < sizeof limits)
		return;
	memcpy(&limits, body, sizeof limits);
	c->routes_max = get32(limits.routes_max);
	c->routes_used = get32(limits.routes_used);
	c->hop.grant.frames_per_s = get32(limits.frames_per_s);
	c->hop.grant.bytes_per_s = get64(limits.bytes_per_s);
	c->limits_known = true;
}

void device_control_frame(struct chappe *c, const struct wire_inner *inner, size_t payload_len)
{
	struct control_head head;
	const uint8_t *body = inner->payload + sizeof head;
	uint64_t frame_id = get64(inner->frame_id);
	enum control_status status;
	size_t len;
	le16 raw;

	memcpy(&head, inner->payload, sizeof head);
	len = get16(head.len);
	if (len < sizeof raw || len > payload_len - sizeof head) {
		c->counters.drop_inner++;
		return;
	}
	memcpy(&raw, body, sizeof raw);
	status = (enum control_status)get16(raw);
	if (status != CONTROL_BUSY)
		device_profile_enrolled(c);
	if (answers(&c->limits_op, frame_id, get16(head.op), status)) {
		if (status == CONTROL_OK)
			take_limits(c, body, len);
		return;
	}
	for (size_t i = 0; i < c->contact_count; i++)
		if (answers(&c->contacts[i]->op, frame_id, get16(head.op), status)) {
			device_pair_answer(c->contacts[i], status, body, len);
			return;
		}
}
