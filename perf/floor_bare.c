/* floor: the floor that the path is measured against, beside a bare loop of the same calls that
 * shares nothing with it but the keys: no prefetching of cells, written without floor.c. Both open
 * and seal the same cells under the same random sessions in turn, in one memory. The floor is fair
 * while the two lie within a tenth of each other; AES suite. */
#include "bench.h"
#include "floor.h"
#include "options.h"

#include <rte_cycles.h>
#include <rte_prefetch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_BYTES = 64,
	ROUND_KEYS_BYTES = 256,
	POWERS_SMALL_BYTES = 512,
	POWERS_LARGE_BYTES = 768,
	CELL_BYTES = 2176, /* apart, as buffers of packets are: 34 lines */
	KINDS = 2,         /* the floor, the bare loop */
};

struct work {
	struct floor floor;
	uint32_t n, len, from[RIG_ROUND_FRAMES], to[RIG_ROUND_FRAMES];
	uint8_t *memory, *cells[RIG_ROUND_FRAMES];
	uint64_t random;
};

static void ask(const struct gcm_key_data *key, uint32_t len)
{
	const uint32_t powers = len == WIRE_SMALL_BYTES ? POWERS_SMALL_BYTES : POWERS_LARGE_BYTES;
	const char *start = (const char *)key, *end = (const char *)(key + 1);

	for (uint32_t at = 0; at < ROUND_KEYS_BYTES; at += LINE_BYTES)
		rte_prefetch0(start + at);
	for (uint32_t at = LINE_BYTES; at <= powers; at += LINE_BYTES)
		rte_prefetch0(end - at);
}

static uint64_t run_bare(const struct work *work)
{
	const struct floor_aes *keys = work->floor.aes;
	const uint32_t inner = work->len - WIRE_TRANSPORT_OVERHEAD_BYTES;
	IMB_MGR *mgr = work->floor.mgr;
	struct gcm_context_data context;
	uint8_t nonce[12] = { 0 }, tag[WIRE_TAG_BYTES];
	const uint64_t start = rte_rdtsc_precise();

	for (uint32_t burst = 0; burst < work->n; burst += FLOOR_BURST) {
		for (uint32_t i = burst; i < burst + FLOOR_BURST; i++)
			ask(&keys[work->to[i]].seal, work->len);
		for (uint32_t i = burst; i < burst + FLOOR_BURST; i++) {
			uint8_t *cell = work->cells[i] + WIRE_TRANSPORT_HEADER_BYTES;
			IMB_AES256_GCM_DEC(mgr, &keys[work->from[i]].open, &context, cell, cell,
				inner, nonce, NULL, 0, tag, WIRE_TAG_BYTES);
		}
		for (uint32_t i = burst + FLOOR_BURST; i < burst + 2 * FLOOR_BURST && i < work->n;
			i++)
			ask(&keys[work->from[i]].open, work->len);
		for (uint32_t i = burst; i < burst + FLOOR_BURST; i++) {
			uint8_t *cell = work->cells[i] + WIRE_TRANSPORT_HEADER_BYTES;
			IMB_AES256_GCM_ENC(mgr, &keys[work->to[i]].seal, &context, cell, cell,
				inner, nonce, NULL, 0, tag, WIRE_TAG_BYTES);
		}
	}
	return rte_rdtsc_precise() - start;
}

static void draw(struct work *work)
{
	for (uint32_t i = 0; i < work->n; i++) {
		work->from[i] = bench_below(&work->random, work->floor.sessions);
		work->to[i] = bench_below(&work->random, work->floor.sessions);
	}
}

static uint64_t take(struct work *work, bool bare)
{
	bench_hold_core(true);
	const uint64_t cycles = bare ? run_bare(work)
				     : floor_run(&work->floor, work->cells, work->len, work->from,
					       work->to, work->n);
	bench_hold_core(false);
	return cycles;
}

/* Decrypting and encrypting are their own inverse, so that the same run twice leaves what was. */
static void check_same_bytes(struct work *work)
{
	const size_t bytes = (size_t)work->n * CELL_BYTES;
	uint8_t *before = bytes > 0 ? malloc(bytes) : NULL;

	if (before == NULL)
		bench_fail("no frames, or no memory for them");
	for (size_t i = 0; i < bytes; i++)
		work->memory[i] = (uint8_t)(i * 167 + (i >> 8));
	memcpy(before, work->memory, bytes);
	draw(work);
	take(work, false);
	if (memcmp(before, work->memory, bytes) == 0)
		bench_fail("the floor does nothing");
	take(work, true);
	if (memcmp(before, work->memory, bytes) != 0)
		bench_fail("floor and bare loop do not do the same");
	free(before);
}

static void measure(struct work *work, const struct options *options)
{
	double cycles[KINDS][BENCH_PAIRS_MAX], ratios[BENCH_PAIRS_MAX];

	check_same_bytes(work);
	for (uint32_t pair = 0; pair < options->pairs; pair++) {
		for (uint32_t i = 0; i < KINDS; i++) {
			const uint32_t kind = (pair + i) % KINDS;
			draw(work);
			cycles[kind][pair] = (double)take(work, kind == 1) / work->n;
		}
		ratios[pair] = cycles[0][pair] / cycles[1][pair];
	}
	const struct bench_spread ours = bench_spread(cycles[0], options->pairs);
	const struct bench_spread bare = bench_spread(cycles[1], options->pairs);
	const struct bench_figure figure = {
		.name = "floor",
		.unit = "cycles/frame",
		.cell = work->len,
		.sessions = options->sessions,
		.workers = 1,
		.suite = WIRE_SUITE_AES256GCM,
		.value = ours.median,
		.floor = bare.median,
		.ratio = bench_spread(ratios, options->pairs),
		.burst = FLOOR_BURST,
		.pairs = options->pairs,
	};
	bench_print(&figure);
	fprintf(stderr,
		"     floor %4u bytes, %7u sessions: %5.0f / %5.0f = %.3f (%.3f to %.3f; least "
		"%.0f / %.0f)\n",
		work->len, options->sessions, ours.median, bare.median, figure.ratio.median,
		figure.ratio.low, figure.ratio.high, ours.least, bare.least);
}

int main(int argc, char **argv)
{
	static struct work work;
	struct options options;

	options_parse(&options, argc, argv);
	const uint64_t bytes = (uint64_t)options.frames * CELL_BYTES;
	const struct rig rig = { .options = { .sessions = options.sessions,
					 .suite = WIRE_SUITE_AES256GCM } };
	bench_eal(1, 64);
	floor_init(&work.floor, &rig);
	work.n = options.frames;
	work.random = options.sessions;
	work.memory = bench_memory(bytes);
	for (uint32_t i = 0; i < work.n; i++)
		work.cells[i] = work.memory + (size_t)i * CELL_BYTES;
	for (uint32_t c = 0; c < options.cells.n; c++) {
		work.len = options.cells.values[c];
		measure(&work, &options);
	}
	bench_memory_free(work.memory, bytes);
	floor_fini(&work.floor);
	return 0;
}
