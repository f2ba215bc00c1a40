/* Control operations of devices: what they change, in which order, how often. */
#include "rig.h"

#include <errno.h>

static struct rig_device device;
static uint32_t session;

static int setup(void **state)
{
	rig_setup(state);
	session = rig_enrol(*state, &device);
	return 0;
}

static int create(struct rig *rig, uint64_t frame_id, uint8_t route[WIRE_ROUTE_BYTES])
{
	struct control_route_create request = { .flags = put32(CONTROL_ROUTE_LIVE) };
	struct control_route_answer answer;
	int status = rig_operation(rig, session, frame_id, CONTROL_OP_ROUTE_CREATE, &request,
		sizeof request, &answer, sizeof answer);

	memcpy(route, answer.route, WIRE_ROUTE_BYTES);
	return status;
}

static int revoke(struct rig *rig, uint64_t frame_id, const uint8_t route[WIRE_ROUTE_BYTES])
{
	return rig_operation(
		rig, session, frame_id, CONTROL_OP_ROUTE_REVOKE, route, WIRE_ROUTE_BYTES, NULL, 0);
}

static uint64_t stored_routes(struct rig *rig)
{
	struct store_counts counts;

	assert_int_equal(store_counts(rig->control->store, 0, &counts), 0);
	return counts.routes;
}

static const struct rig_route *in_dataplane(struct rig *rig, const uint8_t *route)
{
	for (int i = 0; i < RIG_ROUTES; i++)
		if (rig->routes[i].used && memcmp(rig->routes[i].route.route, route, 16) == 0)
			return &rig->routes[i];
	return NULL;
}

static void creates_a_route(void **state)
{
	struct rig *rig = *state;
	uint8_t first[WIRE_ROUTE_BYTES], second[WIRE_ROUTE_BYTES];

	assert_int_equal(create(rig, 1, first), CONTROL_OK);
	assert_int_equal(create(rig, 2, second), CONTROL_OK);
	assert_memory_not_equal(first, second, sizeof first);
	assert_int_equal(stored_routes(rig), 2);
	assert_non_null(in_dataplane(rig, first));
	assert_int_equal(in_dataplane(rig, first)->route.flags, CONTROL_ROUTE_LIVE);
	assert_int_equal(in_dataplane(rig, first)->route.device,
		directory_find(&rig->control->directory, device.key.public));
}

static void repeated_request_makes_no_second_route(void **state)
{
	struct rig *rig = *state;
	uint8_t first[WIRE_ROUTE_BYTES], again[WIRE_ROUTE_BYTES];

	assert_int_equal(create(rig, 1, first), CONTROL_OK);
	assert_int_equal(create(rig, 1, again), CONTROL_OK);
	assert_memory_equal(first, again, sizeof first);
	/* Also when the answers have been forgotten, and after a restart. */
	operations_expire(&rig->control->operations, control_now_s() + OPERATION_KEEP_S);
	assert_int_equal(create(rig, 1, again), CONTROL_OK);
	assert_memory_equal(first, again, sizeof first);
	rig_disconnect(rig);
	rig_stop(rig);
	rig_start(rig);
	rig_connect(rig);
	device.attempt = 100;
	session = rig_handshake(rig, &device);
	assert_int_equal(create(rig, 1, again), CONTROL_OK);
	assert_memory_equal(first, again, sizeof first);
	assert_int_equal(stored_routes(rig), 1);
	assert_int_equal(rig_routes(rig), 1);
}

static void late_duplicate_of_a_request_brings_no_route_back(void **state)
{
	struct rig *rig = *state;
	uint8_t first[WIRE_ROUTE_BYTES], again[WIRE_ROUTE_BYTES];

	assert_int_equal(create(rig, 1, first), CONTROL_OK);
	assert_int_equal(revoke(rig, 2, first), CONTROL_OK);
	assert_int_equal(create(rig, 1, again), CONTROL_OK);
	assert_int_equal(stored_routes(rig), 0);
	assert_int_equal(rig_routes(rig), 0);
}

static void answer_waits_for_the_dataplane(void **state)
{
	struct rig *rig = *state;
	struct control_route_create request = { .flags = put32(0) };

	rig->hold_acks = 1;
	assert_int_equal(rig_operation(rig, session, 1, CONTROL_OP_ROUTE_CREATE, &request,
				 sizeof request, NULL, 0),
		-1);
	assert_int_equal(rig_routes(rig), 1);
	/* Asked again meanwhile: still one route, and one answer when it comes. */
	assert_int_equal(rig_operation(rig, session, 1, CONTROL_OP_ROUTE_CREATE, &request,
				 sizeof request, NULL, 0),
		-1);
	rig_release_acks(rig);
	rig_settle(rig);
	assert_int_equal(rig->answers_count, 1);
	assert_int_equal(rig_routes(rig), 1);
	assert_int_equal(stored_routes(rig), 1);
}

static void revokes_a_route(void **state)
{
	struct rig *rig = *state;
	uint8_t route[WIRE_ROUTE_BYTES];

	assert_int_equal(create(rig, 1, route), CONTROL_OK);
	assert_int_equal(revoke(rig, 2, route), CONTROL_OK);
	assert_null(in_dataplane(rig, route));
	assert_int_equal(stored_routes(rig), 0);
	assert_int_equal(revoke(rig, 2, route), CONTROL_OK);
	assert_int_equal(revoke(rig, 3, route), CONTROL_NO_ROUTE);
}

static void sets_the_live_flag(void **state)
{
	struct rig *rig = *state;
	struct control_route_set request = { .flags = put32(0) };

	assert_int_equal(create(rig, 1, request.route), CONTROL_OK);
	assert_int_equal(rig_operation(rig, session, 2, CONTROL_OP_ROUTE_SET, &request,
				 sizeof request, NULL, 0),
		CONTROL_OK);
	assert_int_equal(in_dataplane(rig, request.route)->route.flags, 0);
	request.route[0] ^= 1;
	assert_int_equal(rig_operation(rig, session, 3, CONTROL_OP_ROUTE_SET, &request,
				 sizeof request, NULL, 0),
		CONTROL_NO_ROUTE);
}

static void routes_of_others_are_out_of_reach(void **state)
{
	struct rig *rig = *state;
	struct rig_device other;
	uint8_t route[WIRE_ROUTE_BYTES];
	uint32_t own = session;

	assert_int_equal(create(rig, 1, route), CONTROL_OK);
	session = rig_enrol(rig, &other);
	assert_int_equal(revoke(rig, 2, route), CONTROL_NO_ROUTE);
	session = own;
	assert_non_null(in_dataplane(rig, route));
}

static void device_has_all_routes_it_may(void **state)
{
	struct rig *rig = *state;
	uint8_t route[WIRE_ROUTE_BYTES], spare[WIRE_ROUTE_BYTES];
	struct control_limits_answer limits;

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(create(rig, 10 + i, route), CONTROL_OK);
	assert_int_equal(create(rig, 20, spare), CONTROL_FULL);
	assert_true(sodium_is_zero(spare, sizeof spare));
	assert_int_equal(rig_operation(rig, session, 21, CONTROL_OP_LIMITS_GET, NULL, 0, &limits,
				 sizeof limits),
		CONTROL_OK);
	assert_int_equal(get32(limits.routes_max), 4);
	assert_int_equal(get32(limits.routes_used), 4);
	assert_int_equal(revoke(rig, 22, route), CONTROL_OK);
	assert_int_equal(create(rig, 23, spare), CONTROL_OK);
}

static void full_dataplane_takes_the_route_back(void **state)
{
	struct rig *rig = *state;
	uint8_t route[WIRE_ROUTE_BYTES];

	rig->route_error = -ENOSPC;
	assert_int_equal(create(rig, 1, route), CONTROL_FULL);
	assert_int_equal(stored_routes(rig), 0);
	assert_int_equal(create(rig, 1, route), CONTROL_FULL); /* the same answer */
	rig->route_error = 0;
	assert_int_equal(create(rig, 2, route), CONTROL_OK);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_operations_full), 2);
}

static void bad_requests(void **state)
{
	struct rig *rig = *state;
	uint8_t body[64] = { 0 };

	assert_int_equal(rig_operation(rig, session, 1, 77, body, 4, NULL, 0), CONTROL_UNKNOWN_OP);
	assert_int_equal(rig_operation(rig, session, 2, CONTROL_OP_ROUTE_CREATE, body, 5, NULL, 0),
		CONTROL_BAD_REQUEST);
	assert_int_equal(rig_operation(rig, session, 3, CONTROL_OP_ROUTE_REVOKE, body, 0, NULL, 0),
		CONTROL_BAD_REQUEST);
	/* A session that is not this device's. */
	assert_int_equal(
		rig_operation(rig, session ^ 0x200000, 4, CONTROL_OP_LIMITS_GET, NULL, 0, NULL, 0),
		-1);
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_drop_unknown_session), 1);
}

static void limits_changed_live(void **state)
{
	struct rig *rig = *state;
	struct store_limits limits = { .routes_max = 1, .frames_per_s = 50, .bytes_per_s = 6000 };
	struct control_limits_answer answer;
	struct store_device stored;
	uint8_t route[WIRE_ROUTE_BYTES];

	assert_int_equal(store_device_by_key(rig->control->store, device.key.public, &stored), 0);
	assert_int_equal(control_device_limits(rig->control, stored.id, &limits), 0);
	rig_settle(rig);
	assert_int_equal(rig->limits[stored.slot].frames_per_s, 50);
	assert_int_equal(rig->limits[stored.slot].bytes_per_s, 6000);
	assert_int_equal(create(rig, 1, route), CONTROL_OK);
	assert_int_equal(create(rig, 2, route), CONTROL_FULL);
	assert_int_equal(rig_operation(rig, session, 3, CONTROL_OP_LIMITS_GET, NULL, 0, &answer,
				 sizeof answer),
		CONTROL_OK);
	assert_int_equal(get32(answer.frames_per_s), 50);
	assert_int_equal(get64(answer.bytes_per_s), 6000);
	/* the largest that the API takes */
	limits = (struct store_limits){ INT32_MAX, UINT32_MAX, INT64_MAX };
	assert_int_equal(control_device_limits(rig->control, stored.id, &limits), 0);
	rig_settle(rig);
	assert_int_equal(rig->limits[stored.slot].frames_per_s, UINT32_MAX);
	assert_int_equal(rig->limits[stored.slot].bytes_per_s, INT64_MAX);
	assert_int_equal(control_device_limits(rig->control, 999, &limits), -ENOENT);
}

static void revoked_route_of_an_operator(void **state)
{
	struct rig *rig = *state;
	uint8_t route[WIRE_ROUTE_BYTES];

	assert_int_equal(create(rig, 1, route), CONTROL_OK);
	assert_int_equal(control_route_revoke(rig->control, route), 0);
	assert_int_equal(control_route_revoke(rig->control, route), -ENOENT);
	rig_settle(rig);
	assert_null(in_dataplane(rig, route));
}

static void link_lost_before_the_acknowledgement(void **state)
{
	struct rig *rig = *state;
	struct control_route_create request = { .flags = put32(0) };
	uint8_t route[WIRE_ROUTE_BYTES];

	rig->hold_acks = 1;
	rig_operation(rig, session, 1, CONTROL_OP_ROUTE_CREATE, &request, sizeof request, NULL, 0);
	rig->hold_acks = rig->held_count = 0;
	rig_disconnect(rig);
	rig_new_boot(rig);
	rig_connect(rig);
	assert_int_equal(rig_routes(rig), 1); /* by the synchronisation */
	session = rig_handshake(rig, &device);
	assert_int_equal(create(rig, 1, route), CONTROL_OK);
	assert_non_null(in_dataplane(rig, route));
	assert_int_equal(rig_routes(rig), 1);
}

static void many_at_once(void **state)
{
	struct rig *rig = *state;
	struct control_route_create request = { .flags = put32(0) };

	/* More than control remembers: each is answered all the same. */
	rig->config.limits.routes_max = 0;
	for (uint64_t i = 0; i < OPERATIONS_MAX + 10; i++) {
		struct punt_record record = { .kind = PUNT_CONTROL,
			.len = 480,
			.index = session,
			.device = directory_find(&rig->control->directory, device.key.public) };
		struct wire_inner inner = { .kind = WIRE_CONTROL, .frame_id = put64(1000 + i) };
		struct control_head head = { .op = put16(CONTROL_OP_ROUTE_CREATE),
			.len = put16(sizeof request) };
		memcpy(record.frame, &inner, sizeof inner);
		memcpy(record.frame + sizeof inner, &head, sizeof head);
		operation_request(rig->control, &record);
		operation_commit(rig->control);
	}
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_operations_full), OPERATIONS_MAX + 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(creates_a_route),
		TEST(repeated_request_makes_no_second_route),
		TEST(late_duplicate_of_a_request_brings_no_route_back),
		TEST(answer_waits_for_the_dataplane),
		TEST(revokes_a_route),
		TEST(sets_the_live_flag),
		TEST(routes_of_others_are_out_of_reach),
		TEST(device_has_all_routes_it_may),
		TEST(full_dataplane_takes_the_route_back),
		TEST(bad_requests),
		TEST(limits_changed_live),
		TEST(revoked_route_of_an_operator),
		TEST(link_lost_before_the_acknowledgement),
		TEST(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
