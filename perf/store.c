/* store_accept, store_drain, store_start: what chappe-store does, the process as it is installed,
 * with a played dataplane at the other end of its rings. Each part says in its file what it
 * measures. */
#include "bench.h"
#include "store_rig.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wrong(void)
{
	fputs("options, with their defaults: --part all (accept, drain, start) --pairs 5 --seconds "
	      "2 "
	      "--mailboxes 1000000 --frames 40000 --in-flight 0 (1024 to 16384, one after the "
	      "other)\n",
		stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "part", 1, NULL, 'p' }, { "pairs", 1, NULL, 'n' },
		{ "seconds", 1, NULL, 's' }, { "mailboxes", 1, NULL, 'm' },
		{ "frames", 1, NULL, 'f' }, { "in-flight", 1, NULL, 'i' }, { NULL, 0, NULL, 0 } };
	static const struct {
		const char *name;
		void (*run)(const struct store_options *options);
	} parts[] = { { "accept", store_accept_run }, { "drain", store_drain_run },
		{ "start", store_start_run } };
	struct store_options options = {
		.pairs = 5, .seconds = 2, .mailboxes = 1000000, .frames = 40000
	};
	const char *part = "all";
	bool found = false;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'p')
			part = optarg;
		else if (option == 'n')
			options.pairs = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			options.seconds = strtod(optarg, NULL);
		else if (option == 'm')
			options.mailboxes = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'f')
			options.frames = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'i')
			options.in_flight = (uint32_t)strtoul(optarg, NULL, 10);
		else
			wrong();
	}
	if (optind < argc || options.pairs == 0 || options.pairs > BENCH_PAIRS_MAX ||
		options.seconds <= 0 || options.mailboxes == 0 || options.frames == 0)
		wrong();
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(part, "all") != 0 && strcmp(part, parts[i].name) != 0)
			continue;
		parts[i].run(&options);
		found = true;
	}
	if (!found)
		wrong();
	return 0;
}
