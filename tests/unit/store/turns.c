#include "turns.h"

#include "store/clock.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

struct service service;
struct relay relay;
uint64_t now_us;

void open_service(void)
{
	static char directory[96];
	char error[SERVICE_ERROR_BYTES] = "";

	snprintf(directory, sizeof directory, "%s/store", files_directory);
	if (service_open(&service, directory, files_directory, error) != 0)
		fail_msg("%s", error);
}

void turn(void)
{
	now_us += TICK_US;
	service_turn(&service, now_us);
	(void)service_deliver(&service, UINT64_MAX);
}

/* Turns until the disk has what was taken, and one more for what it had before. */
void settle(void)
{
	turn();
	do {
		turn();
		usleep(100);
	} while (depot_is_committing(service.depot));
}

void connect_both(void)
{
	for (int i = 0; i < 200 && !relay_accept(&relay, WORKERS); i++)
		turn();
	turn();
	assert_true(relay_is_ready(&relay));
	relay_event(&relay, SHARE_RESYNC, 0, 0);
	turn();
}

int turns_setup(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	now_us = clock_us() / TICK_US * TICK_US;
	relay_listen(&relay, files_directory);
	open_service();
	connect_both();
	return 0;
}

int turns_teardown(void **state)
{
	service_close(&service);
	relay_close(&relay);
	return files_remove(state);
}

/* Takes the next record, which must be there and of a kind. */
struct share_down next_down(uint16_t kind)
{
	struct share_down record;

	assert_true(relay_take(&relay, &record));
	assert_int_equal(record.kind, kind);
	return record;
}

void assert_nothing_down(void)
{
	struct share_down record;

	assert_false(relay_take(&relay, &record));
}

void assert_delivers(uint64_t route, uint64_t frame_id, uint32_t len)
{
	const struct share_down record = next_down(SHARE_DELIVER);
	uint8_t cell[LARGE];

	relay_cell(cell, len, WIRE_STORED, route, frame_id);
	assert_int_equal(record.len, len);
	assert_memory_equal(record.frame, cell, len);
}

void assert_accepts(uint32_t index, uint64_t route, uint64_t frame_id)
{
	const struct share_down record = next_down(SHARE_SEND);

	assert_int_equal(record.index, index);
	assert_int_equal(record.len, WIRE_INNER_HEADER_BYTES);
	assert_true(relay_route(&record) == route);
	assert_true(relay_frame_id(&record) == frame_id);
	assert_true(sodium_is_zero(record.frame + WIRE_INNER_HEADER_BYTES,
		sizeof record.frame - WIRE_INNER_HEADER_BYTES));
}

/* Sends one frame and sees it accepted. */
void store(uint32_t device, uint64_t route, uint64_t frame_id, uint32_t len)
{
	assert_true(relay_stored(&relay, 0, device, 9, route, frame_id, len));
	settle();
	assert_accepts(9, route, frame_id);
}

/* What frames may go down in one turn, at most. */
uint32_t drain(uint16_t kind)
{
	struct share_down record;
	uint32_t count = 0;

	while (relay_take(&relay, &record))
		count += record.kind == kind;
	return count;
}

/* Many frames for one route, accepted. */
void store_many(uint32_t device, uint64_t route, uint64_t first, uint64_t count)
{
	for (uint64_t id = first; id < first + count;) {
		while (id < first + count &&
			relay_stored(&relay, 0, device, 9, route, id, id % 2 ? LARGE : SMALL))
			id++;
		settle();
		(void)drain(SHARE_SEND);
	}
	settle();
	(void)drain(SHARE_SEND);
}
