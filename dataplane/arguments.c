#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char arguments_help[] =
	"usage: chappe-dataplane --config FILE [--check] [--pid-file FILE] -- EAL ARGUMENTS\n"
	"\n"
	"The packet path of a Chappe relay.\n"
	"\n"
	"  --config FILE    addresses, table sizes, user: an INI file\n"
	"  --check          check the file and end\n"
	"  --pid-file FILE  write the process id there once the relay is ready\n"
	"  --help, --version\n"
	"\n"
	"EAL arguments choose lcores, memory and ports; the first lcore is the main loop's, each "
	"other\n"
	"one is a worker. Examples:\n"
	"  -l 0-4 -m 2048 -a 0000:01:00.0                          a NIC, four workers, hugepages\n"
	"  -l 0,1 --no-huge -m 512 --no-pci --vdev=net_tap0,iface=chappe0   a TAP interface\n"
	"  --lcores 0@0,1@0 --no-huge -m 512 ...                   on a machine with one CPU\n";

/* Whether the operator gave an option, in any of EAL's spellings. */
static bool arguments_has(const struct arguments *arguments, const char *option)
{
	size_t len = strlen(option);
	bool is_short = len == 2;
	for (int i = 1; i < arguments->eal_count; i++) {
		const char *given = arguments->eal[i];
		if (strncmp(given, option, len) == 0 &&
			(is_short || given[len] == '\0' || given[len] == '='))
			return true;
	}
	return false;
}

static bool arguments_add(struct arguments *arguments, const char *argument)
{
	if (arguments->eal_count == ARGUMENTS_EAL_MAX - 1)
		return false;
	/* rte_eal_init() takes char **, and changes only their order. */
	memcpy(&arguments->eal[arguments->eal_count++], &argument, sizeof argument);
	return true;
}

static bool arguments_add_defaults(struct arguments *arguments)
{
	bool fits = true;
	if (!arguments_has(arguments, "--telemetry") && !arguments_has(arguments, "--no-telemetry"))
		fits &= arguments_add(arguments, "--no-telemetry");
	/* 22.11 refuses --in-memory with --no-huge; each of the pairs keeps DPDK's files away. */
	if (arguments_has(arguments, "--no-huge"))
		fits &= arguments_has(arguments, "--no-shconf") ||
			arguments_add(arguments, "--no-shconf");
	else if (!arguments_has(arguments, "--in-memory") &&
		 !arguments_has(arguments, "--legacy-mem"))
		fits &= arguments_add(arguments, "--in-memory");
	return fits;
}

static int arguments_eal(int argc, char **argv, struct arguments *arguments)
{
	bool fits = arguments_add(arguments, argv[0]);
	for (int i = optind; i < argc; i++)
		fits = fits && arguments_add(arguments, argv[i]);
	if (fits && arguments_add_defaults(arguments))
		return 0;
	fprintf(stderr, "error more than %d EAL arguments\n", ARGUMENTS_EAL_MAX - 4);
	return -1;
}

int arguments_parse(int argc, char **argv, struct arguments *arguments)
{
	enum { CONFIG = 'c', CHECK = 'k', PID_FILE = 'p', HELP = 'h', VERSION = 'V' };
	static const struct option options[] = { { "config", required_argument, NULL, CONFIG },
		{ "check", no_argument, NULL, CHECK },
		{ "pid-file", required_argument, NULL, PID_FILE },
		{ "help", no_argument, NULL, HELP }, { "version", no_argument, NULL, VERSION },
		{ 0 } };
	memset(arguments, 0, sizeof *arguments);
	for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;)
		switch (option) {
		case CONFIG:
			arguments->config = optarg;
			break;
		case CHECK:
			arguments->check = true;
			break;
		case PID_FILE:
			arguments->pid_file = optarg;
			break;
		case HELP:
			fputs(arguments_help, stdout);
			return 1;
		case VERSION:
			puts("chappe-dataplane " CHAPPE_BUILD_VERSION);
			return 1;
		default:
			fprintf(stderr,
				"error EAL arguments stand after --; --help shows how to start\n");
			return -1;
		}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		fprintf(stderr, "error '%s': EAL arguments stand after --\n", argv[optind]);
		return -1;
	}
	if (!arguments->config) {
		fprintf(stderr, "error --config FILE is missing; --help shows how to start\n");
		return -1;
	}
	return arguments_eal(argc, argv, arguments);
}
