#include "operation.h"
#include "state.h"

static void send_answer(struct control *control, uint32_t session, uint64_t frame_id,
	uint16_t frame_bytes, uint16_t op, const void *body, size_t len)
{
	struct punt_record *record = punt_link_add(control->punt);
	const struct wire_inner inner = { .kind = WIRE_CONTROL, .frame_id = put64(frame_id) };
	const struct control_head head = {
		.op = put16(op | CONTROL_OP_ANSWER),
		.len = put16((uint16_t)len),
	};

	if (!record)
		return;
	record->kind = PUNT_SEND_SESSION;
	record->len = frame_bytes;
	record->index = session;
	memcpy(record->frame, &inner, sizeof inner);
	memcpy(record->frame + sizeof inner, &head, sizeof head);
	memcpy(record->frame + sizeof inner + sizeof head, body, len);
	COUNT(control, operations);
}

void operation_answer_status(struct control *control, const struct punt_record *record,
	uint64_t frame_id, uint16_t op, enum control_status status)
{
	const struct control_answer answer = { .status = put16((uint16_t)status) };

	send_answer(control, record->index, frame_id, record->len, op, &answer, sizeof answer);
}

void operation_answer(struct control *control, const struct operation *operation)
{
	struct control_route_answer body = { .status = put16(operation->status) };
	size_t len = sizeof(struct control_answer);

	if (operation->op == CONTROL_OP_ROUTE_CREATE) {
		len = sizeof body;
		if (operation->status == CONTROL_OK)
			memcpy(body.route, operation->route, sizeof body.route);
	}
	if (operation->status == CONTROL_FULL)
		COUNT(control, operations_full);
	send_answer(control, operation->session, operation->frame_id, operation->frame_bytes,
		operation->op, &body, len);
}

void operation_answer_limits(
	struct control *control, const struct punt_record *record, uint64_t frame_id)
{
	const struct device *device = directory_device(&control->directory, record->device);
	struct control_limits_answer body = { .status = put16(CONTROL_OK) };
	struct store_limits limits;
	uint32_t used = 0;

	control_limits(control, device, &limits);
	if (store_route_count(control->store, device->id, &used) < 0)
		body.status = put16(CONTROL_BUSY);
	body.routes_max = put32((uint32_t)limits.routes_max);
	body.routes_used = put32(used);
	body.frames_per_s = put32((uint32_t)limits.frames_per_s);
	body.bytes_per_s = put64((uint64_t)limits.bytes_per_s);
	send_answer(control, record->index, frame_id, record->len, CONTROL_OP_LIMITS_GET, &body,
		sizeof body);
}
