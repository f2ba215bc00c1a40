#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <rte_ether.h>
#include <stdio.h>
#include <stdlib.h>

enum { OWN_ARGUMENTS = 6 };

static const char help[] =
	"usage: chappe-dataplane-load --config FILE --devices N [OPTION]... -- EAL ARGUMENTS\n"
	"\n"
	"A dataplane for load tests with replayed captures (docs/load-testing.md): its devices "
	"follow "
	"from\na seed, looped counters pass, and it refuses to start where real devices are "
	"enrolled.\n"
	"\n"
	"  --config FILE    as chappe-dataplane's\n"
	"  --devices N      as many as chappe-loadgen --pcap was told\n"
	"  --seed TEXT      as chappe-loadgen --pcap was told (default: 1)\n"
	"  --suite NAME     aes256gcm (default) or chacha20poly1305\n"
	"  --source ADDR    first address of the devices, as chappe-loadgen's\n"
	"  --mac MAC        of the generator, as chappe-loadgen's (default 02:00:00:00:00:0a)\n"
	"  --vlan ID        as chappe-loadgen's\n"
	"  --stats S        a line of counters every S seconds\n"
	"  --pid-file FILE  write the process id there once it is ready\n";

static bool number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	*value = (uint32_t)n;
	return end != text && *end == '\0' && n >= min && n <= max;
}

static bool source(const char *text, struct load_options *options)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	options->has_source = true;
	if (inet_pton(AF_INET6, text, options->source) == 1)
		return true;
	memcpy(options->source, mapped, sizeof mapped);
	return inet_pton(AF_INET, text, options->source + 12) == 1;
}

static bool mac(const char *text, uint8_t out[6])
{
	struct rte_ether_addr address;
	const bool ok = rte_ether_unformat_addr(text, &address) == 0;

	if (ok)
		memcpy(out, address.addr_bytes, 6);
	return ok;
}

static bool suite(const char *text, enum wire_suite *out)
{
	*out = strcmp(text, "aes256gcm") == 0 ? WIRE_SUITE_AES256GCM : WIRE_SUITE_CHACHA20POLY1305;
	return *out == WIRE_SUITE_AES256GCM || strcmp(text, "chacha20poly1305") == 0;
}

static bool set(struct load_options *options, int option, const char *text)
{
	uint32_t vlan;

	switch (option) {
	case 's':
		options->seed = text;
		return true;
	case 'd':
		return number(text, 2, CONFIG_DEVICES_MAX, &options->devices);
	case 'u':
		return suite(text, &options->suite);
	case 'a':
		return source(text, options);
	case 'm':
		return mac(text, options->mac);
	case 'v':
		if (!number(text, 0, 4094, &vlan))
			return false;
		options->vlan = (uint16_t)vlan;
		return true;
	case 't':
		return number(text, 0, 86400, &options->stats_s);
	default:
		return false;
	}
}

int load_options_parse(
	int argc, char **argv, struct load_options *options, struct arguments *arguments)
{
	static const struct option longs[] = { { "seed", required_argument, NULL, 's' },
		{ "devices", required_argument, NULL, 'd' },
		{ "suite", required_argument, NULL, 'u' },
		{ "source", required_argument, NULL, 'a' }, { "mac", required_argument, NULL, 'm' },
		{ "vlan", required_argument, NULL, 'v' }, { "stats", required_argument, NULL, 't' },
		{ "config", required_argument, NULL, 'c' },
		{ "pid-file", required_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' },
		{ 0 } };
	char *passed[ARGUMENTS_EAL_MAX + OWN_ARGUMENTS] = { argv[0] };
	static char config_word[] = "--config", pid_word[] = "--pid-file", end_word[] = "--";
	int count = 1, index = 0;

	*options = (struct load_options){ .seed = "1", .suite = WIRE_SUITE_AES256GCM };
	memcpy(options->mac, derive_mac, sizeof options->mac);
	for (int c; (c = getopt_long(argc, argv, "+", longs, &index)) != -1;) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (c == 'c' || c == 'p') {
			if (count + 2 > OWN_ARGUMENTS)
				return -1;
			passed[count++] = c == 'c' ? config_word : pid_word;
			passed[count++] = optarg;
		} else if (c == '?' || !set(options, c, optarg)) {
			if (c != '?')
				fprintf(stderr, "error --%s can't be '%s'; --help says more\n",
					longs[index].name, optarg);
			return -1;
		}
	}
	if (options->devices == 0) {
		fputs("error --devices N is missing; --help shows how to start\n", stderr);
		return -1;
	}
	passed[count++] = end_word;
	for (int i = optind; i < argc && count < ARGUMENTS_EAL_MAX + OWN_ARGUMENTS; i++)
		passed[count++] = argv[i];
	optind = 0; /* the dataplane's own parser begins anew */
	return arguments_parse(count, passed, arguments);
}
