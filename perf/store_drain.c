/* store_drain: frames a second from chappe-store to devices that return, each of which says
 * `received` at once: one device under ten routes, and a thousand of them. */
#include "bench.h"
#include "store_rig.h"

#include <stdio.h>

enum { MANY = 1000, ROUTES_PER_DEVICE = 10 };

static void say_received(struct store_rig *rig, const struct share_down *record, uint32_t devices)
{
	struct wire_inner inner;
	uint64_t route;

	memcpy(&inner, record->frame, sizeof inner);
	memcpy(&route, inner.route + sizeof route, sizeof route); /* as store_rig_route() has it */
	inner.kind = WIRE_RECEIVED;
	while (!store_end_put(&rig->end, rig->worker++ % STORE_RIG_WORKERS, SHARE_RECEIVED,
		(uint32_t)route % devices, 1, &inner, sizeof inner))
		store_end_ring(&rig->end);
}

/* Returns the seconds until all of them have come, once or more. */
static double drain(struct store_rig *rig, uint32_t frames, uint32_t devices)
{
	const double start = bench_now_s();
	uint32_t came = 0;
	struct share_down record;

	for (uint32_t i = 0; i < devices; i++)
		while (!store_end_tell(&rig->end, SHARE_ONLINE, i, NULL))
			store_end_ring(&rig->end);
	while (came < frames) {
		store_end_ring(&rig->end);
		store_end_wait(&rig->end, 1);
		while (store_end_take(&rig->end, &record)) {
			if (record.kind != SHARE_DELIVER)
				continue;
			came++;
			say_received(rig, &record, devices);
		}
		if (bench_now_s() > start + STORE_RIG_TIMEOUT_S)
			bench_fail("%u of %u frames came", came, frames);
	}
	return bench_now_s() - start;
}

static void one_count(const struct store_options *options, uint32_t devices)
{
	double rates[BENCH_PAIRS_MAX];
	struct store_rig rig;

	store_rig_make(&rig, devices);
	store_rig_start(&rig);
	store_rig_attach(&rig);
	for (uint32_t i = 0; i < options->pairs; i++) {
		store_rig_fill(&rig, options->frames, devices * ROUTES_PER_DEVICE, devices);
		rates[i] = options->frames / drain(&rig, options->frames, devices);
		for (uint32_t device = 0; device < devices; device++)
			(void)store_end_tell(&rig.end, SHARE_OFFLINE, device, NULL);
		store_end_ring(&rig.end);
		store_rig_fill(
			&rig, 1, 1, 1); /* behind the last `received`, which is durable then */
		(void)drain(&rig, 1, 1);
		(void)store_end_tell(&rig.end, SHARE_OFFLINE, 0, NULL);
	}
	store_rig_remove(&rig);
	const struct bench_figure figure = {
		.name = "store_drain",
		.unit = "frames/s",
		.cell = WIRE_SMALL_BYTES,
		.sessions = devices,
		.value = bench_spread(rates, options->pairs).median,
		.ratio = { .median = 1, .low = 1, .high = 1 },
		.pairs = options->pairs,
	};
	fprintf(stderr, "     store_drain to %u devices: %.0f frames/s\n", devices, figure.value);
	bench_print(&figure);
}

void store_drain_run(const struct store_options *options)
{
	one_count(options, 1);
	one_count(options, MANY);
}
