#include "daemon/arguments.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

static void usage(FILE *out, const char *program, const char *about)
{
	fprintf(out,
		"usage: %s --config FILE [--check] [--pid-file FILE]\n"
		"\n"
		"%s\n"
		"\n"
		"  --config FILE    INI file; see docs/operating.md\n"
		"  --check          check the file and end\n"
		"  --pid-file FILE  write the process id there\n"
		"  --help, --version\n",
		program, about);
}

int daemon_arguments(int argc, char **argv, const char *program, const char *about,
	struct daemon_arguments *arguments)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};

	*arguments = (struct daemon_arguments){ 0 };
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'c':
			arguments->config = optarg;
			break;
		case 'k':
			arguments->check = true;
			break;
		case 'p':
			arguments->pid_file = optarg;
			break;
		case 'h':
			usage(stdout, program, about);
			return 1;
		case 'V':
			printf("%s " CHAPPE_BUILD_VERSION "\n", program);
			return 1;
		default:
			usage(stderr, program, about);
			return -1;
		}
	}
	if (optind == argc && arguments->config)
		return 0;
	if (optind < argc)
		fprintf(stderr, "%s: %s: unexpected\n\n", program, argv[optind]);
	else
		fprintf(stderr, "%s: --config FILE is missing\n\n", program);
	usage(stderr, program, about);
	return -1;
}
