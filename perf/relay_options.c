#include "relay_options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void relay_options_parse(struct relay_options *options, int argc, char **argv, const char *usage)
{
	static const struct option known[] = { { "devices", 1, NULL, 'd' },
		{ "routes", 1, NULL, 'r' }, { "runs", 1, NULL, 'n' }, { "store", 1, NULL, 's' },
		{ NULL, 0, NULL, 0 } };
	bool wrong = false;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const uint32_t value = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
		if (option == 'd')
			options->devices = value;
		else if (option == 'r')
			options->routes = value;
		else if (option == 'n')
			options->runs = value;
		else if (option == 's')
			options->store = optarg;
		else
			wrong = true;
	}
	if (wrong || options->devices == 0 || options->routes == 0 || options->runs == 0 ||
		options->runs > RELAY_RUNS_MAX) {
		fputs(usage, stderr);
		exit(2);
	}
}
