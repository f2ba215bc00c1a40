#include "peer.h"

#include "perf/cpu_time.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double patience_s = 0.02; /* after which what did not arrive is taken for lost */
static const double warm_up_s = 0.3;
static const double resume_s = 0.1; /* of a window: until as many are under way as may be */

static struct peer peer;

void peer_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("peer_load: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One round over all pairs; returns how many messages arrived. */
static uint64_t turn(const struct peer_protocol *protocol)
{
	uint64_t arrived = 0;

	peer.now = now_s();
	for (uint32_t i = 0; i < peer.options.pairs; i++) {
		struct peer_pair *pair = &peer.pairs[i];
		const uint32_t n = protocol->receive(&peer, pair);
		if (n > 0)
			pair->arrived_at = peer.now;
		pair->arrived += n;
		arrived += n;
		/* What was taken for lost may arrive after all. */
		const int64_t flying = (int64_t)(pair->sent - pair->forgiven - pair->arrived);
		if (flying < (int64_t)peer.options.in_flight)
			pair->sent += protocol->send(
				&peer, pair, (uint32_t)((int64_t)peer.options.in_flight - flying));
		else if (peer.now - pair->arrived_at > patience_s) {
			pair->forgiven += (uint64_t)flying;
			pair->arrived_at = peer.now;
		}
	}
	return arrived;
}

static uint64_t turn_for(const struct peer_protocol *protocol, double seconds, double *took)
{
	const double start = now_s();
	uint64_t arrived = 0;

	do
		arrived += turn(protocol);
	while (peer.now - start < seconds);
	*took = now_s() - start;
	return arrived;
}

static void run(const struct peer_protocol *protocol)
{
	const struct peer_options *o = &peer.options;
	char line[32];
	double took;

	protocol->open(&peer);
	if (turn_for(protocol, warm_up_s, &took) == 0 && turn_for(protocol, 1, &took) == 0)
		peer_fail("no message arrives");
	puts("{}");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		const double window_s = strtod(line, NULL);
		for (uint32_t pair = 0; pair < o->pairs; pair++)
			peer.pairs[pair].arrived_at = now_s(); /* the pause is no loss */
		(void)turn_for(protocol, resume_s, &took);
		const uint64_t before = cpu_time_ns(o->cpu_of, o->cpu_count);
		const uint64_t arrived = turn_for(protocol, window_s, &took);
		const uint64_t cpu_ns = cpu_time_ns(o->cpu_of, o->cpu_count) - before;
		printf("{\"messages\": %lu, \"seconds\": %.6f, \"cpu_ns\": %lu}\n", arrived, took,
			cpu_ns);
		fflush(stdout);
	}
}

static void take_pids(const char *text)
{
	char *end;

	for (peer.options.cpu_count = 0; peer.options.cpu_count < PEER_PIDS_MAX; text = end + 1) {
		const long pid = strtol(text, &end, 10);
		if (end == text || pid <= 0)
			break;
		peer.options.cpu_of[peer.options.cpu_count++] = (pid_t)pid;
		if (*end == '\0')
			return;
	}
	peer_fail("--cpu-of wants process ids with commas");
}

static void set(int option, const char *text)
{
	struct peer_options *o = &peer.options;

	switch (option) {
	case 'p':
		o->pairs = (uint32_t)strtoul(text, NULL, 10);
		break;
	case 'b':
		o->bytes = (uint32_t)strtoul(text, NULL, 10);
		break;
	case 'f':
		o->in_flight = (uint32_t)strtoul(text, NULL, 10);
		break;
	case 'a':
		if (inet_pton(AF_INET, text, &o->server.sin_addr) != 1)
			peer_fail("--server: '%s' is no IPv4 address", text);
		break;
	case 'P':
		o->server.sin_port = htons((uint16_t)strtoul(text, NULL, 10));
		break;
	case 't':
		o->tls = true;
		break;
	case 'S':
		o->sender_ns = text;
		break;
	case 'R':
		o->recipient_ns = text;
		break;
	case 'c':
		take_pids(text);
		break;
	default:
		peer_fail("usage: peer_load udp|turn|nats --server ADDRESS --port N [--tls] "
			  "[--pairs N] [--bytes N] [--in-flight N] "
			  "[--sender-ns PATH] [--recipient-ns PATH] --cpu-of PID,...\n"
			  "A line of standard input is a window: its seconds.");
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "pairs", required_argument, NULL, 'p' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "in-flight", required_argument, NULL, 'f' },
		{ "server", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'P' }, { "tls", no_argument, NULL, 't' },
		{ "sender-ns", required_argument, NULL, 'S' },
		{ "recipient-ns", required_argument, NULL, 'R' },
		{ "cpu-of", required_argument, NULL, 'c' }, { 0 } };
	static const struct peer_protocol *const protocols[] = { &peer_udp, &peer_turn,
		&peer_nats };

	peer.options = (struct peer_options){
		.pairs = 16, .bytes = 448, .in_flight = 64, .server = { .sin_family = AF_INET }
	};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		set(c, optarg);
	if (peer.options.pairs == 0 || peer.options.pairs > PEER_PAIRS_MAX ||
		peer.options.bytes == 0 || peer.options.bytes > PEER_MESSAGE_MAX_BYTES - 64)
		set('?', NULL);
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (optind < argc && strcmp(argv[optind], protocols[i]->name) == 0) {
			run(protocols[i]);
			return 0;
		}
	set('?', NULL);
}
