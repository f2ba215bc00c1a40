#include "links.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct punt_link punt = { .dataplane = &dataplane };
static int control = -1;
static struct punt_record records[PUNT_RECORDS_MAX];

static int up(void **state)
{
	(void)state;
	memset(dataplane.counters, 0, sizeof dataplane.counters);
	control = links_connect("punt.sock");
	return link_accept(&punt.link) ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	if (control >= 0)
		close(control);
	control = -1;
	punt_link_receive(&punt);
	while (punt_link_send(&punt) > 0)
		;
	struct rte_mbuf *mbuf;
	for (uint32_t i = 0; i < LINKS_WORKERS; i++)
		while (rte_ring_dequeue(dataplane.workers[i]->inject, (void **)&mbuf) == 0)
			rte_pktmbuf_free(mbuf);
	return rte_mempool_in_use_count(dataplane.pool) == 0 ? 0 : -1;
}

static struct rte_mbuf *punted(uint32_t worker, enum frame_work work, uint32_t len, uint8_t fill)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(dataplane.pool);
	assert_non_null(mbuf);
	memset(rte_pktmbuf_append(mbuf, (uint16_t)len), fill, len);
	*frame_of(mbuf) = (struct frame){ .work = (uint8_t)work,
		.owner = 1,
		.index = 77,
		.device = 5,
		.endpoint = { .family = 6, .remote = { fill } } };
	if (rte_ring_enqueue(dataplane.workers[worker]->punt, mbuf) == 0)
		return mbuf;
	rte_pktmbuf_free(mbuf);
	return NULL;
}

static uint32_t hear(void)
{
	const ssize_t got = recv(control, records, sizeof records, MSG_DONTWAIT);
	if (got < 0)
		return 0;
	assert_int_equal(punt_message_check(records, (size_t)got, true), 0);
	return (uint32_t)((size_t)got / sizeof *records);
}

static void say(const struct punt_record *said, size_t len)
{
	assert_int_equal(send(control, said, len, 0), len);
	punt_link_receive(&punt);
}

static void hands_on_what_workers_punt(void **state)
{
	(void)state;
	punted(0, FRAME_PUNT_INIT, WIRE_SMALL_BYTES, 0xa1);
	punted(1, FRAME_PUNT_CONTROL, WIRE_LARGE_BYTES, 0xb2);
	assert_int_equal(punt_link_send(&punt), 2);
	assert_int_equal(hear(), 2);
	const struct punt_record *init = &records[records[0].kind == PUNT_INIT ? 0 : 1];
	const struct punt_record *answer = &records[records[0].kind == PUNT_INIT ? 1 : 0];
	assert_int_equal(init->kind, PUNT_INIT);
	assert_int_equal(init->len, WIRE_SMALL_BYTES);
	assert_int_equal(init->owner, 1);
	assert_int_equal(init->endpoint.remote[0], 0xa1);
	assert_int_equal(init->frame[WIRE_SMALL_BYTES - 1], 0xa1);
	assert_int_equal(init->frame[WIRE_SMALL_BYTES], 0);
	assert_int_equal(answer->kind, PUNT_CONTROL);
	assert_int_equal(answer->len, WIRE_LARGE_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES);
	assert_int_equal(answer->index, 77);
	assert_int_equal(answer->device, 5);
	assert_int_equal(answer->frame[answer->len - 1], 0xb2);
	assert_int_equal(answer->frame[answer->len], 0);
}

/* Control operations and their answers carry routes: none stays where it has passed. */
static void keeps_no_copy(void **state)
{
	(void)state;
	const struct punt_record answer = { .kind = PUNT_SEND_SESSION,
		.len = WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES,
		.frame = { 0xdd } };
	const struct rte_mbuf *mbuf = punted(1, FRAME_PUNT_CONTROL, WIRE_SMALL_BYTES, 0xb2);
	const uint8_t *bytes = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	assert_int_equal(punt_link_send(&punt), 1);
	say(&answer, sizeof answer);
	assert_true(sodium_is_zero(bytes + WIRE_TRANSPORT_HEADER_BYTES,
		WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES));
	assert_true(sodium_is_zero((const uint8_t *)punt.out, sizeof punt.out));
	assert_true(sodium_is_zero((const uint8_t *)punt.in, sizeof punt.in));
}

static void counts_what_nobody_takes(void **state)
{
	(void)state;
	close(control);
	control = -1;
	punt_link_receive(&punt);
	for (int i = 0; i < 60; i++)
		punted(0, FRAME_PUNT_INIT, WIRE_SMALL_BYTES, 1);
	while (punt_link_send(&punt) > 0)
		;
	assert_int_equal(dataplane.counters[COUNTER_drop_no_control], 60);
	assert_true(rte_ring_empty(dataplane.workers[0]->punt));
}

/* A control that does not read: rings fill, so that workers demand cookies; nothing is lost twice.
 */
static void leaves_frames_in_the_ring_of_a_slow_control(void **state)
{
	(void)state;
	uint32_t sent = 0, heard = 0;
	while (sent < 100000 && !rte_ring_full(dataplane.workers[1]->punt)) {
		while (punted(1, FRAME_PUNT_INIT, WIRE_SMALL_BYTES, 1))
			sent++;
		(void)punt_link_send(&punt);
	}
	assert_true(rte_ring_full(dataplane.workers[1]->punt));
	for (uint32_t n = 1; n > 0;) {
		n = hear();
		heard += n;
		n += punt_link_send(&punt);
	}
	assert_int_equal(heard, sent);
	assert_int_equal(dataplane.counters[COUNTER_drop_no_control], 0);
}

static void injects_what_control_sends(void **state)
{
	(void)state;
	struct punt_record said[2] = { { .kind = PUNT_SEND_RAW,
					       .len = WIRE_SMALL_BYTES,
					       .owner = 1,
					       .endpoint = { .family = 4, .remote_port = 9 },
					       .frame = { 0xcc } },
		{ .kind = PUNT_SEND_SESSION,
			.len = WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES,
			.index = wire_index(1, 3, 9),
			.frame = { 0xdd } } };
	struct rte_mbuf *mbuf = NULL;
	say(said, sizeof said);
	assert_int_equal(rte_ring_dequeue(dataplane.workers[1]->inject, (void **)&mbuf), 0);
	assert_int_equal(frame_of(mbuf)->work, FRAME_SEND_RAW);
	assert_int_equal(frame_of(mbuf)->to_endpoint, 1);
	assert_memory_equal(&frame_of(mbuf)->endpoint, &said[0].endpoint, sizeof said[0].endpoint);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), WIRE_SMALL_BYTES);
	assert_memory_equal(frame_bytes(mbuf), said[0].frame, WIRE_SMALL_BYTES);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(rte_ring_dequeue(dataplane.workers[1]->inject, (void **)&mbuf), 0);
	assert_int_equal(frame_of(mbuf)->work, FRAME_SEND_SESSION);
	assert_int_equal(frame_of(mbuf)->index, said[1].index);
	assert_int_equal(rte_pktmbuf_data_len(mbuf), WIRE_SMALL_BYTES);
	assert_memory_equal(frame_inner(mbuf), said[1].frame, said[1].len);
	rte_pktmbuf_free(mbuf);
}

static void sends_nowhere_that_is_not_here(void **state)
{
	(void)state;
	const struct punt_record bad[] = {
		{ .kind = PUNT_SEND_RAW, .len = 512, .endpoint = { .family = 4, .port = 1 } },
		{ .kind = PUNT_SEND_RAW, .len = 512, .endpoint = { .family = 5 } },
		{ .kind = PUNT_SEND_RAW, .len = 512, .endpoint = { .family = 4, .vlan = 4095 } },
		{ .kind = PUNT_SEND_RAW,
			.len = 512,
			.owner = LINKS_WORKERS,
			.endpoint = { .family = 4 } },
		{ .kind = PUNT_SEND_SESSION, .len = 480, .index = wire_index(LINKS_WORKERS, 0, 0) },
	};
	say(bad, sizeof bad);
	assert_int_equal(rte_mempool_in_use_count(dataplane.pool), 0);
	assert_false(links_closed(control));
}

static void counts_what_an_inject_ring_has_no_room_for(void **state)
{
	(void)state;
	const struct punt_record said = {
		.kind = PUNT_SEND_RAW, .len = 512, .endpoint = { .family = 4 }
	};
	const uint32_t room = rte_ring_get_capacity(dataplane.workers[0]->inject);
	for (uint32_t i = 0; i < room + 3; i++)
		say(&said, sizeof said);
	assert_int_equal(dataplane.counters[COUNTER_drop_inject_full], 3);
}

static void closes_on_what_is_no_message(void **state)
{
	(void)state;
	struct punt_record said = { .kind = PUNT_INIT, .len = 512 };
	say(&said, sizeof said);
	assert_true(links_closed(control));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(hands_on_what_workers_punt),
		TEST(keeps_no_copy),
		TEST(counts_what_nobody_takes),
		TEST(leaves_frames_in_the_ring_of_a_slow_control),
		TEST(injects_what_control_sends),
		TEST(sends_nowhere_that_is_not_here),
		TEST(counts_what_an_inject_ring_has_no_room_for),
		TEST(closes_on_what_is_no_message),
	};
	char error[256] = "";
	const int epoll = epoll_create1(0);
	if (links_make() < 0 ||
		link_listen(&punt.link, "punt.sock", "chappe-control", links_directory, epoll, 3,
			&dataplane.account, error, sizeof error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	link_close(&punt.link);
	links_free();
	return failed;
}
