/* install_devices: seconds until a restarted dataplane holds all devices and routes again, from the
 * start of its process to the acknowledged SYNC_END. Real processes: chappe-control goes on. In
 * one run more, which is not part of the figure, somebody asks it for its status all the while. */
#include "asking.h"
#include "bench.h"
#include "relay.h"
#include "relay_options.h"

#include <stdio.h>
#include <stdlib.h>

struct run {
	double all_s, connected_s; /* from the start of the process; from its connection */
};

/* Ends the dataplane and starts it anew. While asked, somebody wants to know control's status. */
static struct run take_run(struct relay *relay, bool asked)
{
	struct asking asking;
	struct run run;

	child_stop(&relay->dataplane);
	const uint64_t before = child_cpu_ns(&relay->control);
	if (asked)
		asking_start(&asking, relay->dir);
	const double start = bench_now_s();
	relay_start_dataplane(relay);
	const double up = child_wait(&relay->control, "dataplane connected", RELAY_TIMEOUT_S);
	const double end = relay_in_step(relay);
	run = (struct run){ .all_s = end - start, .connected_s = end - up };
	fprintf(stderr,
		"     install_devices %u devices, %lu routes: %.2f s from the start of the "
		"process, "
		"%.2f s from its connection; CPU: control %.2f s, main lcore %.2f s\n",
		relay->devices, (uint64_t)relay->devices * relay->routes, run.all_s,
		run.connected_s, (double)(child_cpu_ns(&relay->control) - before) / 1e9,
		(double)child_main_cpu_ns(&relay->dataplane) / 1e9);
	if (asked) {
		asking_stop(&asking);
		fprintf(stderr, "     %u answers of the API meanwhile, the slowest after %.0f ms\n",
			asking.answers, asking.longest_s * 1e3);
	}
	return run;
}

int main(int argc, char **argv)
{
	double all[RELAY_RUNS_MAX], connected[RELAY_RUNS_MAX];
	struct relay_options options = { .devices = 1000000, .routes = 4, .runs = 3 };
	struct relay relay;

	relay_options_parse(&options, argc, argv,
		"options, with their defaults: --devices 1000000 --routes 4 (of each) "
		"--runs 3; --store DIR keeps the store that it fills, for the next time\n");
	relay_make_filled(&relay, options.devices, options.routes, options.store);
	relay_start_dataplane(&relay);
	relay_start_control(&relay);
	relay_in_step(&relay);
	for (uint32_t i = 0; i < options.runs; i++) {
		const struct run run = take_run(&relay, false);
		all[i] = run.all_s;
		connected[i] = run.connected_s;
	}
	take_run(&relay, true);
	const struct bench_figure figure = {
		.name = "install_devices",
		.unit = "s",
		.sessions = options.devices,
		.workers = 1,
		.value = bench_spread(all, options.runs).median,
		.floor = bench_spread(connected, options.runs).median,
		.ratio = bench_spread(all, options.runs),
		.pairs = options.runs,
		.page = relay_page_bytes(&relay),
	};
	bench_print(&figure);
	relay_remove(&relay);
	return 0;
}
