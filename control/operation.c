#include "operation.h"
#include "daemon/log.h"
#include "state.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

struct request {
	uint16_t op;
	const uint8_t *body;
};

static void finish(struct control *control, struct operation *operation, enum control_status status)
{
	operation->status = (uint16_t)status;
	operation->state = OPERATION_DONE;
	operation->at_s = control_now_s();
	operation_answer(control, operation);
	/* A failure of the relay's is no answer to keep: the device is to try again. */
	if (status == CONTROL_BUSY) {
		COUNT(control, operations_failed);
		operations_forget(&control->operations, operation);
	}
}

/* Each of these returns 0 when the operation is in the store's transaction, 1 when there was
 * nothing to write (the status is set), or -errno. */
static int create_route(struct control *control, struct operation *operation)
{
	const struct device *device = directory_device(&control->directory, operation->slot);
	struct store_route route;
	struct store_limits limits;
	uint32_t used = 0;
	int result = store_route_by_request(
		control->store, operation->device, operation->frame_id, &route);

	if (result == 0) {
		memcpy(operation->route, route.route, sizeof operation->route);
		return 1;
	}
	if (result == -ENOENT)
		result = store_route_count(control->store, operation->device, &used);
	if (result < 0)
		return result;
	control_limits(control, device, &limits);
	if (used >= limits.routes_max) {
		operation->status = CONTROL_FULL;
		return 1;
	}
	route = (struct store_route){
		.device = operation->device,
		.flags = operation->flags,
		.created_s = control_now_s(),
		.request = operation->frame_id,
	};
	randombytes_buf(route.route, sizeof route.route);
	memcpy(operation->route, route.route, sizeof operation->route);
	return store_route_add(control->store, &route);
}

static int write_operation(struct control *control, struct operation *operation)
{
	int result = -EINVAL;

	if (operation->op == CONTROL_OP_ROUTE_CREATE)
		return create_route(control, operation);
	if (operation->op == CONTROL_OP_ROUTE_REVOKE)
		result = store_route_delete(control->store, operation->device, operation->route);
	if (operation->op == CONTROL_OP_ROUTE_SET)
		result = store_route_flags(
			control->store, operation->device, operation->route, operation->flags);
	if (result == -ENOENT) {
		operation->status = CONTROL_NO_ROUTE;
		return 1;
	}
	return result;
}

static void begin(struct control *control, const struct punt_record *record, uint64_t frame_id,
	const struct request *request)
{
	const struct device *device = directory_device(&control->directory, record->device);
	struct operation *operation =
		operations_remember(&control->operations, device->id, frame_id);
	le32 flags = { 0 };
	int result;

	if (!operation) {
		operation_answer_status(control, record, frame_id, request->op, CONTROL_BUSY);
		return;
	}
	operation->slot = record->device;
	operation->session = record->index;
	operation->op = request->op;
	operation->frame_bytes = record->len;
	if (request->op == CONTROL_OP_ROUTE_CREATE) {
		memcpy(&flags, request->body, sizeof flags);
	} else {
		memcpy(operation->route, request->body, sizeof operation->route);
		if (request->op == CONTROL_OP_ROUTE_SET)
			memcpy(&flags, request->body + WIRE_ROUTE_BYTES, sizeof flags);
	}
	operation->flags = (uint16_t)(get32(flags) & CONTROL_ROUTE_LIVE);
	operation->state = OPERATION_WRITTEN;
	result = write_operation(control, operation);
	if (result == 0)
		control->operations.written[control->operations.written_count++] =
			(uint32_t)(operation - control->operations.all);
	else
		finish(control, operation,
			result < 0 ? CONTROL_BUSY : (enum control_status)operation->status);
}

/* Op and body of a control frame. CONTROL_OK, or what is wrong with it. */
static enum control_status parse(const uint8_t *payload, size_t len, struct request *request)
{
	struct control_head head;
	size_t body_bytes;

	memcpy(&head, payload, sizeof head);
	request->op = get16(head.op);
	request->body = payload + sizeof head;
	switch (request->op) {
#define X(name, code, request_bytes, answer_bytes)                                                 \
	case CONTROL_OP_##name:                                                                    \
		body_bytes = request_bytes;                                                        \
		break;
		CONTROL_OPS(X)
#undef X
	default:
		return CONTROL_UNKNOWN_OP;
	}
	if (get16(head.len) != body_bytes || len < sizeof head + body_bytes)
		return CONTROL_BAD_REQUEST;
	return CONTROL_OK;
}

/* True for a session that is this device's, confirmed as far as control knows, or so new that the
 * news of its confirmation is still on its way. */
static bool session_is_of(const struct control *control, uint32_t index, uint32_t slot)
{
	const struct device *device = directory_device(&control->directory, slot);
	uint32_t number;

	if (!device || device->state != DEVICE_ENROLLED)
		return false;
	if ((device->has_session && device->session == index) ||
		(device->has_earlier && device->earlier == index))
		return true;
	number = directory_pending(&control->directory, index);
	return number != DIRECTORY_NONE && control->directory.pendings.all[number].slot == slot &&
	       sodium_memcmp(control->directory.pendings.all[number].key, device->key,
		       sizeof device->key) == 0;
}

void operation_request(struct control *control, const struct punt_record *record)
{
	struct wire_inner inner;
	struct request request;
	struct operation *operation;
	enum control_status status;
	uint64_t frame_id;

	memcpy(&inner, record->frame, sizeof inner);
	if ((record->len != sizeof inner + WIRE_SMALL_PAYLOAD_BYTES &&
		    record->len != sizeof inner + WIRE_LARGE_PAYLOAD_BYTES) ||
		inner.kind != WIRE_CONTROL) {
		COUNT(control, drop_frame);
		return;
	}
	if (control->sync.phase != SYNC_DONE) {
		COUNT(control, drop_link_down);
		return;
	}
	if (!session_is_of(control, record->index, record->device)) {
		COUNT(control, drop_unknown_session);
		return;
	}
	frame_id = get64(inner.frame_id);
	status = parse(record->frame + sizeof inner, record->len - sizeof inner, &request);
	if (status != CONTROL_OK) {
		operation_answer_status(control, record, frame_id, request.op, status);
		return;
	}
	if (request.op == CONTROL_OP_LIMITS_GET) {
		operation_answer_limits(control, record, frame_id);
		return;
	}
	operation = operations_find(&control->operations,
		directory_device(&control->directory, record->device)->id, frame_id);
	if (!operation) {
		begin(control, record, frame_id, &request);
		return;
	}
	COUNT(control, operations_repeated);
	operation->session = record->index;
	operation->frame_bytes = record->len;
	if (operation->state == OPERATION_DONE)
		operation_answer(control, operation);
}

static void send_operation(struct control *control, uint32_t number)
{
	struct operation *operation = &control->operations.all[number];
	struct table_route record = { .device = operation->slot, .flags = operation->flags };
	enum table_op op =
		operation->op == CONTROL_OP_ROUTE_REVOKE ? TABLE_ROUTE_REMOVE : TABLE_ROUTE_SET;

	memcpy(record.route, operation->route, sizeof record.route);
	operation->state = OPERATION_SENT;
	if (table_link_add(control->table, op, &record, (uint64_t)number + 1) < 0)
		operation_acked(control, (uint64_t)number + 1, -ENOTCONN);
}

void operation_commit(struct control *control)
{
	struct operations *operations = &control->operations;
	uint32_t count = operations->written_count;
	int result;

	if (count == 0)
		return;
	operations->written_count = 0;
	result = store_commit(control->store);
	if (result < 0)
		log_error("control operations could not be written down: %s", strerror(-result));
	for (uint32_t i = 0; i < count; i++) {
		if (result < 0)
			finish(control, &operations->all[operations->written[i]], CONTROL_BUSY);
		else
			send_operation(control, operations->written[i]);
	}
}

/* The dataplane's tables are full: the route is taken back. */
static void take_back(struct control *control, struct operation *operation, int error)
{
	struct table_route record = { .device = operation->slot };

	memcpy(record.route, operation->route, sizeof record.route);
	if (error == -EAGAIN)
		table_link_add(control->table, TABLE_ROUTE_REMOVE, &record, 0);
	store_route_delete(control->store, operation->device, operation->route);
	if (store_commit(control->store) < 0)
		log_error("a route that the dataplane has no room for is still in the store");
	sodium_memzero(operation->route, sizeof operation->route);
}

void operation_acked(struct control *control, uint64_t tag, int error)
{
	struct operation *operation = &control->operations.all[tag - 1];

	if (error == -ENOTCONN) {
		/* It is in the store, so the next synchronisation carries it over; the device asks
		 * again and then gets this answer. */
		operation->status = CONTROL_OK;
		operation->state = OPERATION_DONE;
		operation->at_s = control_now_s();
		return;
	}
	if (error && operation->op == CONTROL_OP_ROUTE_CREATE) {
		take_back(control, operation, error);
		finish(control, operation, CONTROL_FULL);
	} else if (error && operation->op == CONTROL_OP_ROUTE_SET) {
		finish(control, operation, CONTROL_BUSY);
	} else {
		/* A route to be removed that was not there is removed. */
		finish(control, operation, CONTROL_OK);
	}
}
