#include "depot_rig.h"

#include <sodium.h>
#include <string.h>

const struct depot_limits generous = {
	.route_frames = 1000,
	.device_frames = 4000,
	.route_bytes = 1 << 20,
	.device_bytes = 4 << 20,
	.total_bytes = 1 << 30,
	.ttl_minutes = DEPOT_TTL_MINUTES,
};

struct depot *depot;
struct depot_report report;

void reopen_with(const struct depot_limits *limits, uint32_t now)
{
	char path[96], error[DEPOT_ERROR_BYTES];

	depot_close(depot);
	depot = NULL;
	snprintf(path, sizeof path, "%s/store", files_directory);
	if (depot_open(&depot, path, limits, DEVICES, now, &report, error) != 0)
		fail_msg("%s", error);
}

void reopen(uint32_t now)
{
	reopen_with(&generous, now);
}

int setup(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	reopen(NOW);
	return 0;
}

int teardown(void **state)
{
	depot_close(depot);
	depot = NULL;
	return files_remove(state);
}

/* The same cell for the same numbers. */
const struct wire_inner *cell(uint8_t route, uint64_t frame_id)
{
	static uint8_t bytes[LARGE];
	struct wire_inner *inner = (struct wire_inner *)bytes;
	uint8_t seed[randombytes_SEEDBYTES] = { route };

	memcpy(seed + 8, &frame_id, sizeof frame_id);
	randombytes_buf_deterministic(bytes, sizeof bytes, seed);
	memset(inner, 0, sizeof *inner);
	inner->kind = WIRE_STORED;
	inner->frame_id = put64(frame_id);
	memset(inner->route, route, sizeof inner->route);
	return inner;
}

enum depot_verdict take(uint8_t route, uint64_t frame_id)
{
	return depot_take(
		depot, route % DEVICES, cell(route, frame_id), frame_id % 2 ? LARGE : SMALL);
}

const struct mailbox *box_of(uint8_t route)
{
	uint8_t bytes[WIRE_ROUTE_BYTES];

	memset(bytes, route, sizeof bytes);
	return mailbox_find(depot_mailboxes(depot), bytes);
}

int received(uint8_t route, uint64_t frame_id)
{
	uint8_t bytes[WIRE_ROUTE_BYTES];

	memset(bytes, route, sizeof bytes);
	return depot_received(depot, bytes, frame_id);
}

void assert_waits(uint8_t route, uint32_t at, uint64_t frame_id)
{
	struct record_frame frame;

	assert_non_null(box_of(route));
	assert_int_equal(depot_read(depot, box_of(route), at, &frame), 0);
	assert_int_equal(frame.len, frame_id % 2 ? LARGE : SMALL);
	assert_memory_equal(frame.bytes, cell(route, frame_id), frame.len);
}

void sweep(uint32_t now)
{
	depot_set_time(depot, now);
	while (!depot_sweep(depot))
		;
	assert_int_equal(depot_commit(depot), 0);
}
