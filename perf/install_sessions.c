/* install_sessions: sessions that a dataplane takes in a second, from the first SESSION_INSTALL
 * record on the table link to the acknowledgement of the last one: the session is in the tables and
 * its response in the inject ring of its owner. The dataplane is the real process with one worker;
 * this program is control's end. In the first round every device gets its first session; in the
 * others each install ends and wipes the one before, as when devices rekey. Sessions have keys of
 * their own, under AES-256-GCM, the suite whose key schedules cost most. */
#include "bench.h"
#include "control_end.h"
#include "relay.h"
#include "relay_options.h"
#include "src/counters.h"

#include <stdio.h>
#include <stdlib.h>

static struct control_end end;

/* Sessions a second. */
static double take_round(const struct relay *relay, const char *what)
{
	const uint64_t cpu = child_main_cpu_ns(&relay->dataplane);
	const double start = bench_now_s();

	control_end_install(&end, 0, relay->devices);
	const double took = bench_now_s() - start;
	const double main_us =
		(double)(child_main_cpu_ns(&relay->dataplane) - cpu) / 1e3 / relay->devices;
	fprintf(stderr,
		"     install_sessions %u %s: %.0f a second; main lcore %.2f us of CPU each\n",
		relay->devices, what, relay->devices / took, main_us);
	return relay->devices / took;
}

/* Every response was sent, none dropped. */
static void check(uint64_t installed)
{
	const double latest = bench_now_s() + 10;
	uint64_t sent;

	if (control_end_counter(&end, COUNTER_drop_inject_full) != 0)
		bench_fail("responses were dropped");
	while ((sent = control_end_counter(&end, COUNTER_injected_frames)) != installed)
		if (bench_now_s() > latest)
			bench_fail("%lu responses for %lu sessions", sent, installed);
}

int main(int argc, char **argv)
{
	double first, again[RELAY_RUNS_MAX];
	struct relay_options options = { .devices = 1000000, .routes = 1, .runs = 5 };
	struct relay relay;

	relay_options_parse(
		&options, argc, argv, "options, with their defaults: --devices 1000000 --runs 5\n");
	relay_make(&relay, options.devices, 1);
	relay_start_dataplane(&relay);
	control_end_connect(&end, relay.dir, options.devices);
	first = take_round(&relay, "fresh sessions");
	for (uint32_t i = 0; i < options.runs; i++)
		again[i] = take_round(&relay, "sessions in place of others");
	check((uint64_t)options.devices * (options.runs + 1));
	const struct bench_figure figure = {
		.name = "install_sessions",
		.unit = "1/s",
		.sessions = options.devices,
		.workers = 1,
		.suite = WIRE_SUITE_AES256GCM,
		.value = bench_spread(again, options.runs).median,
		.floor = first,
		.ratio = bench_spread(again, options.runs),
		.pairs = options.runs,
		.page = relay_page_bytes(&relay),
	};
	bench_print(&figure);
	control_end_close(&end);
	relay_remove(&relay);
	return 0;
}
