#include "options.h"

#include "bench.h"
#include "floor.h"
#include "rig.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define USAGE                                                                                      \
	"options, with their defaults:\n"                                                          \
	"  --sessions 1000   --suite 1 (1: aes256gcm, 2: chacha20poly1305)   --family 4 (or 6)\n"  \
	"  --cells 512,1232  --offload 1,0 (checksums by the port, by us)    --bursts 32,4,1\n"    \
	"  --pairs 31        --frames 8192 (of a round)\n"                                         \
	"  --stages (say where the cycles go)\n"

static struct options_list parse_list(const char *text)
{
	struct options_list list = { 0 };
	char *end;

	do {
		if (list.n == OPTIONS_LIST_MAX)
			bench_fail("%s: at most %d values", text, OPTIONS_LIST_MAX);
		list.values[list.n++] = (uint32_t)strtoul(text, &end, 10);
		text = end + 1;
	} while (*end == ',');
	return list;
}

static bool in_range(const struct options *options)
{
	for (uint32_t i = 0; i < options->cells.n; i++)
		if (options->cells.values[i] != WIRE_SMALL_BYTES &&
			options->cells.values[i] != WIRE_LARGE_BYTES)
			return false;
	for (uint32_t i = 0; i < options->bursts.n; i++)
		if (options->bursts.values[i] == 0 || options->bursts.values[i] > WORKER_RX_BURST)
			return false;
	return options->sessions > 0 && options->sessions <= CONFIG_DEVICES_MAX &&
	       options->pairs > 0 && options->pairs <= BENCH_PAIRS_MAX && options->frames > 0 &&
	       options->frames <= RIG_ROUND_FRAMES && options->frames % FLOOR_BURST == 0 &&
	       (options->family == 4 || options->family == 6) &&
	       (options->suite == WIRE_SUITE_AES256GCM ||
		       options->suite == WIRE_SUITE_CHACHA20POLY1305);
}

static bool parse_one(struct options *options, int option, const struct options_list *list)
{
	switch (option) {
	case 's':
		options->sessions = list->values[0];
		return true;
	case 'u':
		options->suite = list->values[0];
		return true;
	case 'f':
		options->family = list->values[0];
		return true;
	case 'c':
		options->cells = *list;
		return true;
	case 'o':
		options->offload = *list;
		return true;
	case 'b':
		options->bursts = *list;
		return true;
	case 'p':
		options->pairs = list->values[0];
		return true;
	case 'n':
		options->frames = list->values[0];
		return true;
	case 't':
		options->stages = true;
		return true;
	default:
		return false;
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = { { "sessions", 1, NULL, 's' },
		{ "suite", 1, NULL, 'u' }, { "family", 1, NULL, 'f' }, { "cells", 1, NULL, 'c' },
		{ "offload", 1, NULL, 'o' }, { "bursts", 1, NULL, 'b' }, { "pairs", 1, NULL, 'p' },
		{ "frames", 1, NULL, 'n' }, { "stages", 0, NULL, 't' }, { NULL, 0, NULL, 0 } };
	int option;

	*options = (struct options){
		.sessions = 1000,
		.family = 4,
		.pairs = 31,
		.frames = RIG_ROUND_FRAMES,
		.suite = WIRE_SUITE_AES256GCM,
		.cells = { 2, { WIRE_SMALL_BYTES, WIRE_LARGE_BYTES } },
		.offload = { 2, { 1, 0 } },
		.bursts = { 3, { WORKER_RX_BURST, 4, 1 } },
	};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const struct options_list list =
			optarg ? parse_list(optarg) : (struct options_list){ 0 };
		if (!parse_one(options, option, &list)) {
			fputs(USAGE, stderr);
			exit(2);
		}
	}
	if (optind != argc || !in_range(options)) {
		fputs(USAGE, stderr);
		exit(2);
	}
}
