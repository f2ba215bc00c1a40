/* install_sessions: sessions that a dataplane takes in a second, from the first SESSION_INSTALL
 * record on the table link to the acknowledgement of the last one: the session is in the tables and
 * its response in the inject ring of its owner. The dataplane is the real process with one worker;
 * this program is control's end. In the first round every device gets its first session; in the
 * others each install ends and wipes the one before, as when devices rekey. Sessions have keys of
 * their own, under AES-256-GCM, the suite whose key schedules cost most. */
#include "bench.h"
#include "control_end.h"
#include "relay.h"
#include "src/counters.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 31 };

struct options {
	uint32_t devices, rounds;
};

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = { { "devices", 1, NULL, 'd' },
		{ "runs", 1, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	int option;

	*options = (struct options){ .devices = 1000000, .rounds = 5 };
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const uint32_t value = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
		if (option == 'd')
			options->devices = value;
		else if (option == 'n')
			options->rounds = value;
	}
	if (options->devices == 0 || options->rounds == 0 || options->rounds > ROUNDS_MAX) {
		fputs("options, with their defaults: --devices 1000000 --runs 5\n", stderr);
		exit(2);
	}
}

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
	double first, again[ROUNDS_MAX];
	struct options options;
	struct relay relay;

	parse(&options, argc, argv);
	relay_make(&relay, options.devices, 1);
	relay_start_dataplane(&relay);
	control_end_connect(&end, relay.dir, options.devices);
	first = take_round(&relay, "fresh sessions");
	for (uint32_t i = 0; i < options.rounds; i++)
		again[i] = take_round(&relay, "sessions in place of others");
	check((uint64_t)options.devices * (options.rounds + 1));
	const struct bench_figure figure = {
		.name = "install_sessions",
		.unit = "1/s",
		.sessions = options.devices,
		.workers = 1,
		.suite = WIRE_SUITE_AES256GCM,
		.value = bench_spread(again, options.rounds).median,
		.floor = first,
		.ratio = bench_spread(again, options.rounds),
		.pairs = options.rounds,
		.page = relay_page_bytes(&relay),
	};
	bench_print(&figure);
	control_end_close(&end);
	relay_remove(&relay);
	return 0;
}
