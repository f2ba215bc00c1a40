#include "options.h"

#include "value.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* name, has an argument, its name, help; NULL as help: a heading */
#define OPTIONS(X)                                                                                 \
	X(invitations, "FILE", "invitations: chappectl invite, text or JSON; - is standard input") \
	X(keys, "FILE", "keep devices there, mode 0600, and use them again")                       \
	X(devices, "N", "use N of them (default: all)")                                            \
	X(suite, "NAME", "aes256gcm or chacha20poly1305 (default: aes256gcm where it works)")      \
	X(handshakes, "N", "handshakes under way at once (default 128)")                           \
	X(connect, "S", "seconds until all devices have a session (default 60)")                   \
	X(relay, "ADDR:PORT", "the relay; [ADDR]:PORT for IPv6 (default: as invitations say)")     \
	X(gateway, "ADDR", "the next hop, where the relay is behind a router")                     \
	X(relay_mac, "MAC", "the relay's or the gateway's MAC address (default: asked for)")       \
	X(source, "ADDR", "first address of the devices (default 198.18.128.1, 2001:2:0:80::1)")   \
	X(mac, "MAC", "our MAC address (default: the port's)")                                     \
	X(vlan, "ID", "tag frames (default: untagged)")                                            \
	X(port, "N", "DPDK port (default 0)")                                                      \
	X(rate, "R", "frames a second: 1000, 250k, 1.5M, max (default 1000)")                      \
	X(duration, "S", "seconds (default: until SIGINT)")                                        \
	X(cell, "BYTES", "512 or 1232 (default 512)")                                              \
	X(burst, "N", "at most N frames at once (default 32)")                                     \
	X(in_flight, "N", "wait while N frames have not come back (default: never)")               \
	X(check, "N", "open and check every N-th frame that comes back (default 1: all)")          \
	X(no_checksum, NULL, "send UDP over IPv4 without a checksum")                              \
	X(drain, "MS", "wait so long for the last frames (default 200)")                           \
	X(trials, NULL, "read trials from standard input: RATE SECONDS [CELL [IN-FLIGHT]] a line") \
	X(repeat_check, NULL, "send the last frames twice and fail if a copy comes back")          \
	X(json, "FILE", "results as JSON; - is standard output")                                   \
	X(cpu_of, "PID,...", "report the CPU time that these processes took meanwhile")            \
	X(quiet, NULL, "no progress")                                                              \
	X(pcap, "FILE", "write a capture of valid frames for pktgen; needs no relay and no EAL")   \
	X(seed, "TEXT", "of keys and routes, as chappe-dataplane-load has it (default: 1)")        \
	X(frames, "N", "frames in the capture (default 16384)")                                    \
	X(workers, "N", "workers of the relay that the capture is for (default 1)")                \
	X(help, NULL, "")

enum option_number {
#define X(name, argument, help) OPTION_##name,
	OPTIONS(X)
#undef X
		OPTION_COUNT
};

static const struct {
	const char *name, *argument, *help;
} rows[] = {
#define X(name, argument, help) { #name, argument, help },
	OPTIONS(X)
#undef X
};

/* relay_mac is --relay-mac. */
static void option_name(enum option_number option, char name[24])
{
	snprintf(name, 24, "%s", rows[option].name);
	for (char *at = name; *at; at++)
		if (*at == '_')
			*at = '-';
}

static void usage(void)
{
	puts("usage: chappe-loadgen --invitations FILE [OPTION]... -- EAL ARGUMENTS\n"
	     "       chappe-loadgen --pcap FILE --relay ADDR:PORT --relay-mac MAC [OPTION]...\n"
	     "\n"
	     "Loads a relay: keeps devices with real sessions, offers frames at a rate over a DPDK "
	     "port,\nchecks what comes back, and reports loss, reordering and latency.\n");
	for (enum option_number i = 0; i < OPTION_COUNT - 1; i++) {
		char name[24], left[40];
		option_name(i, name);
		snprintf(left, sizeof left, "--%s %s", name,
			rows[i].argument ? rows[i].argument : "");
		printf("  %-22s %s\n", left, rows[i].help);
	}
	puts("\nAmong trials, a line `cpu-of PID,...` names processes as --cpu-of does.");
	puts("\nExamples:\n"
	     "  chappectl invite --count 1000 | chappe-loadgen --invitations - --keys keys \\\n"
	     "    --rate 500k --duration 10 -- -l 1 -a 0000:01:00.1\n"
	     "  chappe-loadgen --keys keys --rate max -- -l 1 --no-pci \\\n"
	     "    --vdev net_memif0,role=server,socket=/run/load.sock\n"
	     "docs/load-testing.md tells more.");
}

static bool set(struct options *o, enum option_number option, const char *text)
{
	switch (option) {
	case OPTION_invitations:
		return (o->invitations = text) != NULL;
	case OPTION_keys:
		return (o->keys = text) != NULL;
	case OPTION_devices:
		return value_number(text, 2, 1 << 20, &o->devices);
	case OPTION_suite:
		return value_suite(text, &o->suite);
	case OPTION_handshakes:
		return value_number(text, 1, 1 << 16, &o->handshakes);
	case OPTION_connect:
		return value_number(text, 1, 86400, &o->connect_s);
	case OPTION_relay:
		return o->has_relay = value_address_port(text, o->relay, &o->relay_port);
	case OPTION_gateway:
		return o->has_gateway = value_address(text, o->gateway);
	case OPTION_relay_mac:
		return o->has_relay_mac = value_mac_address(text, o->relay_mac);
	case OPTION_source:
		return o->has_source = value_address(text, o->source);
	case OPTION_mac:
		return o->has_mac = value_mac_address(text, o->mac);
	case OPTION_vlan:
		return value_short_number(text, 4094, &o->vlan);
	case OPTION_port:
		return value_short_number(text, 31, &o->port);
	case OPTION_rate:
		return value_rate(text, &o->rate);
	case OPTION_duration:
		return value_seconds(text, &o->duration_s);
	case OPTION_cell:
		return value_number(text, WIRE_SMALL_BYTES, WIRE_LARGE_BYTES, &o->cell) &&
		       (o->cell == WIRE_SMALL_BYTES || o->cell == WIRE_LARGE_BYTES);
	case OPTION_burst:
		return value_number(text, 1, 64, &o->burst);
	case OPTION_in_flight:
		return value_number(text, 1, 1 << 24, &o->in_flight);
	case OPTION_check:
		return value_number(text, 1, 1 << 24, &o->check_every);
	case OPTION_no_checksum:
		return o->no_checksum = true;
	case OPTION_drain:
		return value_number(text, 1, 60000, &o->drain_ms);
	case OPTION_trials:
		return o->trials = true;
	case OPTION_repeat_check:
		return o->repeat_check = true;
	case OPTION_json:
		return (o->json = text) != NULL;
	case OPTION_cpu_of:
		return value_pids(text, OPTIONS_PIDS_MAX, o->cpu_of, &o->cpu_count);
	case OPTION_quiet:
		return o->quiet = true;
	case OPTION_pcap:
		return (o->pcap = text) != NULL;
	case OPTION_seed:
		return (o->seed = text) != NULL;
	case OPTION_frames:
		return value_number(text, 2, 1 << 26, &o->frames);
	case OPTION_workers:
		return value_number(text, 1, 32, &o->workers);
	default:
		return false;
	}
}

/* What only makes sense together. */
static int check(const struct options *o)
{
	const char *wrong = NULL;

	if (o->pcap && (!o->has_relay || !o->has_relay_mac || !o->devices))
		wrong = "--pcap needs --relay ADDR:PORT, --relay-mac MAC and --devices N";
	else if (!o->pcap && !o->invitations && !o->keys)
		wrong = "--invitations FILE or --keys FILE is missing; --help shows how to start";
	else if (!o->pcap && o->eal_count < 2)
		wrong = "EAL arguments are missing; they stand after --";
	else if (o->trials && o->invitations && strcmp(o->invitations, "-") == 0)
		wrong = "standard input can't be both invitations and trials";
	if (wrong)
		fprintf(stderr, "chappe-loadgen: %s\n", wrong);
	return wrong ? -1 : 0;
}

int options_parse(int argc, char **argv, struct options *o)
{
	struct option_names {
		char text[24];
	} names[OPTION_COUNT];
	struct option longs[OPTION_COUNT + 1] = { 0 };

	*o = (struct options){ .handshakes = 128,
		.connect_s = 60,
		.rate = 1000,
		.cell = WIRE_SMALL_BYTES,
		.burst = 32,
		.check_every = 1,
		.drain_ms = 200,
		.seed = "1",
		.frames = 16384,
		.workers = 1 };
	for (enum option_number i = 0; i < OPTION_COUNT; i++) {
		option_name(i, names[i].text);
		longs[i] = (struct option){ names[i].text,
			rows[i].argument ? required_argument : no_argument, NULL, (int)i + 1 };
	}
	for (int c; (c = getopt_long(argc, argv, "+", longs, NULL)) != -1;) {
		if (c == OPTION_help + 1) {
			usage();
			return 1;
		}
		if (c == '?')
			return -1;
		if (!set(o, (enum option_number)(c - 1), optarg)) {
			fprintf(stderr, "chappe-loadgen: --%s can't be '%s'; --help says more\n",
				names[c - 1].text, optarg);
			return -1;
		}
	}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		fprintf(stderr, "chappe-loadgen: '%s': EAL arguments stand after --\n",
			argv[optind]);
		return -1;
	}
	o->eal[o->eal_count++] = argv[0];
	for (int i = optind; i < argc && o->eal_count < OPTIONS_EAL_MAX - 1; i++)
		o->eal[o->eal_count++] = argv[i];
	return check(o);
}
