/* Stored messages: accepted once and for good, delivered once and in order, whoever dies, and
 * whatever happens meanwhile. */
#include "two_ends.h"
#include <errno.h>

static struct two_ends ends;

static void begin(uint64_t seed, unsigned lose_percent)
{
	two_ends_begin(&ends, seed);
	for (unsigned i = 0; i < 2; i++) {
		ends.end[i].path.lose_percent = lose_percent;
		ends.end[i].path.jitter_ns = 3 * MS;
	}
}

static const size_t lens[] = { 1, 3000, 0, 337, 70000, 5 };
enum { COUNT = sizeof lens / sizeof *lens };

static void send_row(void)
{
	for (unsigned i = 0; i < COUNT; i++)
		two_ends_send_stored(&ends, 0, lens[i], (uint8_t)i);
}

/* ---- Deaths ---- */

static bool all_accepted(const struct two_ends *which)
{
	return which->end[0].accepted_count == COUNT && two_ends_nothing_waits(which);
}

static void recipient_dies_at_every_step(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t came_again = 0, deaths = 0;
	for (size_t die_at = 1;; die_at++) {
		begin(seed, die_at % 2 ? 0 : 10);
		ends.end[1].die_at = die_at;
		send_row();
		assert_true(two_ends_run(&ends, 600 * SECOND, all_accepted));
		assert_int_equal(ends.end[1].taken_count, COUNT);
		for (unsigned i = 0; i < COUNT; i++)
			two_ends_assert_taken(&ends.end[1], i, i + 1u, lens[i], (uint8_t)i);
		assert_true(ends.end[1].taken_again <= ends.end[1].may_come_again);
		came_again += ends.end[1].taken_again;
		deaths += ends.end[1].deaths;
		bool survived = ends.end[1].deaths == 0;
		two_ends_finish(&ends);
		if (survived)
			break;
	}
	assert_true(deaths > 100);
	assert_true(came_again > 0);
}

/* Nobody sends anything again: what was taken goes out, once, in order. */
static void sender_dies_at_every_step(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t deaths = 0;
	for (size_t die_at = 1;; die_at++) {
		const struct message_way way = { .stored = true, .accept_ns = MESSAGE_ACCEPT_NS };
		begin(seed, die_at % 2 ? 0 : 10);
		ends.end[0].die_at = die_at;
		uint64_t sent[COUNT];
		size_t count = 0;
		for (unsigned i = 0; i < COUNT && !ends.end[0].dead; i++) {
			uint8_t data[70000];
			fill(data, lens[i], (uint8_t)i);
			if (message_send_way(
				    ends.end[0].peer, SEAL_DATA, &way, data, lens[i], &sent[count]))
				assert_true(ends.end[0].dead);
			else
				count++;
		}
		two_ends_run(&ends, 5 * SECOND, NULL);
		bool survived = ends.end[0].deaths == 0;
		deaths += ends.end[0].deaths;
		ends.end[0].die_at = 0;
		ends.end[0].path.lose_percent = ends.end[1].path.lose_percent = 0;
		assert_true(two_ends_run(&ends, 100 * SECOND, two_ends_nothing_waits));
		for (size_t i = 0; i < count; i++)
			assert_true(two_ends_was_accepted(&ends.end[0], sent[i]));
		/* one that died while it was kept may be there too */
		assert_true(ends.end[0].accepted_count - count <= 1);
		assert_int_equal(ends.end[1].taken_count, ends.end[0].accepted_count);
		assert_int_equal(ends.end[0].kept_count, 0);
		two_ends_assert_accepted_were_taken(&ends, 0);
		two_ends_assert_in_order(&ends.end[1]);
		assert_int_equal(ends.end[1].taken_again, 0);
		two_ends_finish(&ends);
		if (survived)
			break;
	}
	assert_true(deaths > 100);
}

static void sender_dies_at_every_step_of_a_drop(void **state)
{
	(void)state;
	size_t deaths = 0;
	for (size_t die_at = 1;; die_at++) {
		begin(11, 0);
		ends.store[1].full = true;
		send_row();
		two_ends_run(&ends, 1 * SECOND, NULL);
		ends.end[0].die_at = ends.end[0].steps + die_at;
		bool first = message_drop(ends.end[0].peer, 2) == 0;
		bool other = message_drop(ends.end[0].peer, 4) == 0;
		ends.store[1].full = false;
		assert_true(two_ends_run(&ends, 100 * SECOND, two_ends_nothing_waits));
		deaths += ends.end[0].deaths;
		size_t left = COUNT - (size_t)first - (size_t)other;
		assert_in_range(ends.end[1].taken_count, COUNT - 2, left);
		assert_true(!first || !two_ends_was_taken(&ends.end[1], 2));
		assert_true(!other || !two_ends_was_taken(&ends.end[1], 4));
		assert_int_equal(ends.end[0].accepted_count, ends.end[1].taken_count);
		assert_int_equal(ends.end[0].kept_count, 0);
		two_ends_assert_in_order(&ends.end[1]);
		/* none was waited for: that would take a minute each */
		assert_true(ends.now_ns < 20 * SECOND);
		bool survived = ends.end[0].deaths == 0;
		two_ends_finish(&ends);
		if (survived)
			break;
	}
	assert_true(deaths > 10);
}

/* ---- Anything may happen ---- */

static size_t some_length(void)
{
	switch (two_ends_random(&ends, 12)) {
	case 0:
		return two_ends_random(&ends, 200000);
	case 1:
	case 2:
		return two_ends_random(&ends, 5000);
	default:
		return two_ends_random(&ends, 400);
	}
}

enum { SENT_MAX = 80 };
static struct {
	uint64_t number;
	bool dropped;
} sent[2][SENT_MAX];
static size_t sent_count[2];

static void send_some(unsigned from)
{
	assert_true(sent_count[from] < SENT_MAX);
	sent[from][sent_count[from]].dropped = false;
	sent[from][sent_count[from]++].number = two_ends_send_stored(&ends, from, some_length(), 1);
}

static void drop_some(unsigned from)
{
	if (sent_count[from] == 0)
		return;
	size_t i = two_ends_random(&ends, sent_count[from]);
	if (message_drop(ends.end[from].peer, sent[from][i].number) == 0)
		sent[from][i].dropped = true;
}

static void something_happens(bool deaths)
{
	unsigned which = (unsigned)two_ends_random(&ends, 2);
	struct end *end = &ends.end[which];

	switch (two_ends_random(&ends, 12)) {
	case 0:
		two_ends_set_offline(&ends, which, !end->offline);
		break;
	case 1:
		if (deaths)
			two_ends_restart(&ends, which);
		break;
	case 2:
		end->deliver_error = end->deliver_error ? 0 : -EAGAIN;
		if (!end->deliver_error && !end->offline)
			message_offer(end->peer, ends.now_ns);
		break;
	case 3:
		two_ends_send(&ends, which, some_length(), 1);
		break;
	case 4:
		ends.store[which].full = two_ends_random(&ends, 4) == 0;
		break;
	case 5:
		drop_some(which);
		break;
	default:
		send_some(which);
		break;
	}
}

static void assert_story(void)
{
	for (unsigned from = 0; from < 2; from++) {
		const struct end *recipient = &ends.end[!from];
		uint64_t last = 0;
		two_ends_assert_accepted_were_taken(&ends, from);
		assert_int_equal(ends.end[from].kept_count, 0);
		for (size_t i = 0; i < sent_count[from]; i++)
			assert_true(sent[from][i].dropped ||
				    two_ends_was_accepted(&ends.end[from], sent[from][i].number));
		for (size_t i = 0; i < recipient->taken_count; i++) {
			uint64_t number = recipient->taken[i].number;
			if (!two_ends_was_accepted(&ends.end[from], number))
				continue; /* live, or given up and come all the same */
			assert_true(number > last);
			last = number;
		}
	}
}

static void nothing_accepted_is_lost_or_comes_twice_or_out_of_order(void **state)
{
	(void)state;
	uint64_t seed = two_ends_seed();
	size_t accepted = 0, not_accepted = 0;
	for (uint64_t round = 0; round < 60; round++) {
		begin(seed + round, (unsigned)(round % 4) * 5);
		sent_count[0] = sent_count[1] = 0;
		ends.end[round % 2].path.repeat_percent = 5;
		for (unsigned i = 0; i < 60; i++) {
			something_happens(round % 2);
			/* Nobody is away for longer than a stored message waits for a lower one:
			 * who goes before the relay has it may come back too late. */
			bool both = !ends.end[0].offline && !ends.end[1].offline;
			uint64_t long_time =
				both && two_ends_random(&ends, 8) == 0 ? 40 * SECOND : 0;
			two_ends_run(&ends, two_ends_random(&ends, 300) * MS + long_time, NULL);
		}
		for (unsigned i = 0; i < 2; i++) {
			ends.end[i].deliver_error = 0;
			ends.store[i].full = false;
			ends.end[i].path.lose_percent = 0;
			two_ends_set_offline(&ends, i, false);
			message_offer(ends.end[i].peer, ends.now_ns);
		}
		two_ends_run(&ends, 100 * SECOND, NULL);
		for (unsigned i = 0; i < 2; i++)
			send_some(i);
		if (!two_ends_run(&ends, 600 * SECOND, two_ends_nothing_waits)) {
			print_message("round %u waits: %zu %zu\n", (unsigned)round,
				ends.store[0].waiting, ends.store[1].waiting);
			fail();
		}
		assert_story();
		accepted += ends.end[0].accepted_count + ends.end[1].accepted_count;
		not_accepted += ends.end[0].not_accepted_count + ends.end[1].not_accepted_count;
		two_ends_finish(&ends);
	}
	assert_true(accepted > 500);
	assert_true(not_accepted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipient_dies_at_every_step),
		cmocka_unit_test(sender_dies_at_every_step),
		cmocka_unit_test(sender_dies_at_every_step_of_a_drop),
		cmocka_unit_test(nothing_accepted_is_lost_or_comes_twice_or_out_of_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
