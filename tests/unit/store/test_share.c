/* The memory that dataplane and store share, and the records in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/share.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEVICES = 10 };

static void records_pass_both_ways(void **state)
{
	struct share dataplane, store;
	struct share_up up;
	struct share_event event;
	struct share_down down;
	int fd;

	(void)state;
	assert_int_equal(share_make(&dataplane, 3, &fd), 0);
	assert_int_equal(share_map(&store, 3, fd), 0);
	close(fd);
	for (uint32_t i = 0; i < 3; i++) {
		struct share_up *slot = ring_claim(&dataplane.up[i]);
		slot->device = i + 1;
		ring_publish(&dataplane.up[i]);
	}
	((struct share_event *)ring_claim(&dataplane.events))->device = 7;
	ring_publish(&dataplane.events);
	((struct share_down *)ring_claim(&store.down))->index = 9;
	ring_publish(&store.down);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(ring_take(&store.up[i], &up));
		assert_int_equal(up.device, i + 1);
		assert_false(ring_take(&store.up[i], &up));
	}
	assert_true(ring_take(&store.events, &event));
	assert_int_equal(event.device, 7);
	assert_true(ring_take(&dataplane.down, &down));
	assert_int_equal(down.index, 9);
	share_unmap(&store);
	share_unmap(&dataplane);
}

static void memory_that_could_shrink_is_refused(void **state)
{
	struct share dataplane, store;
	int fd;

	(void)state;
	assert_int_equal(share_make(&dataplane, 1, &fd), 0);
	assert_int_equal(share_map(&store, 2, fd), -EPROTO);
	assert_int_equal(share_map(&store, 0, fd), -EPROTO);
	assert_int_equal(share_map(&store, UINT32_MAX, fd), -EPROTO);
	assert_int_equal(ftruncate(fd, 4096), -1);
	const int other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(other, (off_t)dataplane.bytes), 0);
	assert_int_equal(share_map(&store, 1, other), -EPROTO);
	close(other);
	/* Counters that can't be, written by the other side before. */
	dataplane.up[0].shared->produced = SHARE_UP_SLOTS + 1;
	assert_int_equal(share_map(&store, 1, fd), -EPROTO);
	assert_null(store.memory);
	close(fd);
	share_unmap(&dataplane);
}

static struct wire_inner *inner_of(uint8_t *frame, uint8_t kind)
{
	struct wire_inner *inner = (struct wire_inner *)frame;

	inner->kind = kind;
	return inner;
}

static void records_that_cannot_be_are_refused(void **state)
{
	static const struct {
		uint16_t kind, len;
		uint32_t device;
		uint8_t inner;
		bool ok;
	} up[] = {
		{ SHARE_STORED, 480, 0, WIRE_STORED, true },
		{ SHARE_STORED, 1200, DEVICES - 1, WIRE_STORED, true },
		{ SHARE_RECEIVED, 32, 0, WIRE_RECEIVED, true },
		{ SHARE_RECEIVED, 480, 0, WIRE_RECEIVED, false },
		{ SHARE_STORED, 480, DEVICES, WIRE_STORED, false },
		{ SHARE_STORED, 481, 0, WIRE_STORED, false },
		{ SHARE_STORED, UINT16_MAX, 0, WIRE_STORED, false },
		{ SHARE_STORED, 480, 0, WIRE_RECEIVED, false },
		{ SHARE_RECEIVED, 32, 0, WIRE_LIVE, false },
		{ SHARE_STORED, 32, 0, WIRE_STORED, false },
		{ 0, 480, 0, WIRE_STORED, false },
	}, down[] = {
		{ SHARE_SEND, 32, 0, WIRE_ACCEPTED, true },
		{ SHARE_DELIVER, 1200, 0, WIRE_STORED, true },
		{ SHARE_RESOLVE, 32, 0, 0, true },
		{ SHARE_SEND, 32, 0, WIRE_CONTROL, false }, /* nothing passes for control's */
		{ SHARE_SEND, 480, 0, WIRE_ACCEPTED, false },
		{ SHARE_DELIVER, 1200, 0, WIRE_LIVE, false },
		{ SHARE_RESOLVE, 480, 0, 0, false },
		{ 4, 480, 0, WIRE_STORED, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof up / sizeof *up; i++) {
		struct share_up record = { up[i].kind, up[i].len, up[i].device, 0, { 0 }, { 0 },
			{ 0 } };
		struct wire_inner *inner = inner_of(record.frame, up[i].inner);
		assert_int_equal(share_up_ok(&record, DEVICES), up[i].ok);
		inner->hops = 1; /* a reserved byte */
		assert_false(share_up_ok(&record, DEVICES));
	}
	for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
		struct share_down record = { down[i].kind, down[i].len, 0, { 0 }, { 0 }, { 0 } };
		inner_of(record.frame, down[i].inner);
		assert_int_equal(share_down_ok(&record), down[i].ok);
	}
	for (uint32_t kind = 0; kind < 8; kind++) {
		struct share_event record = { .kind = kind, .device = DEVICES };
		assert_int_equal(share_event_ok(&record, DEVICES),
			kind == SHARE_NO_ROUTE || kind == SHARE_RESYNC);
		record.device = 0;
		assert_int_equal(share_event_ok(&record, DEVICES),
			kind >= SHARE_ONLINE && kind <= SHARE_RESYNC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_pass_both_ways),
		cmocka_unit_test(memory_that_could_shrink_is_refused),
		cmocka_unit_test(records_that_cannot_be_are_refused),
	};
	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
