#include "src/replay.h"
#include "testing.h"
#include <stdlib.h>

enum {
	RELAY_WINDOW = REPLAY_RELAY_WORDS * REPLAY_WORD_BITS,
	DEVICE_WINDOW = REPLAY_DEVICE_WORDS * REPLAY_WORD_BITS,
};
_Static_assert(RELAY_WINDOW >= (int)WIRE_RELAY_WINDOW_FRAMES, "4.2");
_Static_assert(DEVICE_WINDOW >= (int)WIRE_DEVICE_WINDOW_FRAMES, "4.2");

struct step {
	uint64_t counter;
	bool expected;
};

static void run(const struct step *steps, size_t count, uint64_t *bitmap, uint32_t words)
{
	struct replay_head head = { 0 };
	for (size_t i = 0; i < count; i++)
		if (replay_accept(&head, bitmap, words, steps[i].counter) != steps[i].expected)
			fail_msg("step %zu, counter %llu", i, (unsigned long long)steps[i].counter);
}

/* W: the width of the window, B: its bits. */
#define EDGES(W, B)                                                                                \
	{                                                                                          \
		{ 0, true }, { 0, false }, { 1, true }, { 1, false }, { 63, true }, { 64, true },  \
			{ 65, true }, { 63, false }, { 2, true }, { 62, true }, { (W)-1, true },   \
			{ 3, true }, { 3, false },                    /* highest - 3 < W */        \
			{ (W) + 2, true }, { 2, false },              /* seen, and at the edge */  \
			{ 4, true }, { (W) + 5, true }, { 5, false }, /* highest - 5 == W */       \
			{ 6, true }, { 6, false },                                                 \
			{ 3 * (B), true }, /* everything before is out */                          \
			{ 3 * (B) - (W), false }, { 3 * (B) - (W) + 1, true },                     \
			{ 3 * (B) - (W) + 1, false }, { 2 * (B), false }, { 0, false },            \
			{ 3 * (B), false }, { 4 * (B)-1, true }, { 4 * (B), true },                \
			{ 5 * (B), true }, /* exactly one turn: all bits new */                    \
			{ 5 * (B)-1, true }, { 5 * (B)-1, false },                                 \
			{ WIRE_LAST_COUNTER - 1, true }, /* a long jump */                         \
			{ WIRE_LAST_COUNTER - 2, true }, /* and its neighbour is free */           \
			{ WIRE_LAST_COUNTER - 1, false }, { WIRE_LAST_COUNTER, false },            \
			{ WIRE_LAST_COUNTER + 1ULL, false }, { UINT64_MAX, false },                \
			{ WIRE_LAST_COUNTER - (W)-1, false }, { WIRE_LAST_COUNTER - (W), true },   \
	}

static void edges_of_the_relay_window(void **state)
{
	(void)state;
	static const struct step steps[] = EDGES(RELAY_WINDOW, RELAY_WINDOW);
	struct replay_relay replay = { 0 };
	run(steps, sizeof steps / sizeof *steps, replay.bitmap, REPLAY_RELAY_WORDS);
}

static void edges_of_the_device_window(void **state)
{
	(void)state;
	static const struct step steps[] = EDGES(DEVICE_WINDOW, DEVICE_WINDOW);
	struct replay_device replay = { 0 };
	run(steps, sizeof steps / sizeof *steps, replay.bitmap, REPLAY_DEVICE_WORDS);
}

static void starts_anywhere(void **state)
{
	(void)state;
	static const uint64_t firsts[] = { 0, 1, 63, 64, 4095, 4096, 100000,
		WIRE_LAST_COUNTER - 1 };
	for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
		struct replay_relay replay = { 0 };
		uint64_t first = firsts[i];
		assert_true(replay_accept(&replay.head, replay.bitmap, REPLAY_RELAY_WORDS, first));
		assert_false(replay_accept(&replay.head, replay.bitmap, REPLAY_RELAY_WORDS, first));
		for (uint64_t back = 1; back <= first && back < RELAY_WINDOW; back++)
			assert_true(replay_accept(
				&replay.head, replay.bitmap, REPLAY_RELAY_WORDS, first - back));
		if (first >= RELAY_WINDOW)
			assert_false(replay_accept(&replay.head, replay.bitmap, REPLAY_RELAY_WORDS,
				first - RELAY_WINDOW));
	}
}

/* A refused counter must leave no trace: else a forged stream could move the window. */
static void refused_counters_change_nothing(void **state)
{
	(void)state;
	struct replay_relay replay = { 0 }, before;
	assert_true(replay_accept(&replay.head, replay.bitmap, REPLAY_RELAY_WORDS, 10000));
	before = replay;
	static const uint64_t refused[] = { 10000, 0, 10000 - RELAY_WINDOW, WIRE_LAST_COUNTER,
		UINT64_MAX };
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		assert_false(
			replay_accept(&replay.head, replay.bitmap, REPLAY_RELAY_WORDS, refused[i]));
		assert_memory_equal(&replay, &before, sizeof replay);
	}
}

/* The plain meaning: accepted once, and not more than the window below the highest. */
struct model {
	bool seen[1 << 20];
	bool any;
	uint64_t highest;
};

static bool model_accept(struct model *model, uint64_t window, uint64_t counter)
{
	if (model->seen[counter])
		return false;
	if (model->any && counter + window <= model->highest)
		return false;
	model->seen[counter] = true;
	if (!model->any || counter > model->highest)
		model->highest = counter;
	model->any = true;
	return true;
}

/* Mostly near the highest, often at the window's edge, sometimes a jump of any length. */
static uint64_t next_counter(const struct model *model, uint64_t window)
{
	const uint64_t end = sizeof model->seen / sizeof *model->seen;
	uint64_t near = model->highest + randombytes_uniform(64);
	switch (randombytes_uniform(8)) {
	case 0:
		near = model->highest + randombytes_uniform((uint32_t)window * 2);
		break;
	case 1:
		near = model->highest - window + randombytes_uniform(5) - 2;
		break;
	case 2:
	case 3:
		near = model->highest - randombytes_uniform((uint32_t)window + 200);
		break;
	default:
		break;
	}
	return near < end ? near : randombytes_uniform((uint32_t)end);
}

static void agrees_with_a_naive_model(void **state)
{
	(void)state;
	static const uint32_t widths[] = { 2, 32, 256 };
	for (size_t w = 0; w < 3; w++)
		for (int round = 0; round < 8; round++) {
			uint64_t window = widths[w] * 64, bitmap[256] = { 0 };
			struct replay_head head = { 0 };
			struct model *model = calloc(1, sizeof *model);
			assert_non_null(model);
			for (int i = 0; i < 40000; i++) {
				uint64_t counter = next_counter(model, window);
				bool got = replay_accept(&head, bitmap, widths[w], counter);
				if (got != model_accept(model, window, counter))
					fail_msg("window %llu, counter %llu, highest %llu",
						(unsigned long long)window,
						(unsigned long long)counter,
						(unsigned long long)model->highest);
			}
			free(model);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_of_the_relay_window),
		cmocka_unit_test(edges_of_the_device_window),
		cmocka_unit_test(starts_anywhere),
		cmocka_unit_test(refused_counters_change_nothing),
		cmocka_unit_test(agrees_with_a_naive_model),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
