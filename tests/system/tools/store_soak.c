/* Kills a chappe-store at random moments, hundreds of times, while a played dataplane sends it
 * messages and takes deliveries, and checks that every promise about them was kept (soak_model.h).
 *
 * usage: store_soak [--rounds N] [--seconds N] [--seed S] [--preload LIBRARY] [--power DEVICE]
 *		PROGRAM DIRECTORY
 *
 * A round: the store starts, or starts anew after a kill, messages flow for a while, SIGKILL; in
 * one of five the dataplane starts anew too, in one of five the store is killed while it starts.
 * After the last one everything is delivered, then the store is killed and started once more:
 * nothing that was received may come again. Prints its seed; with the same one, the same choices
 * are made in the same order, though not at the same moments of the store.
 *
 * With --power DEVICE is mounted at DIRECTORY/store, and each kill is a power cut (soak_power.h).
 *
 * Exits with 0, with 1 and "FAILED reason" where a promise was broken, or with 2. */
#include "soak_play.h"
#include "soak_power.h"
#include "soak_store.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIVES_PER_ROUND = 3, DRAIN_MS = 60000 };

struct options {
	uint32_t rounds;
	uint64_t seed, until_ms; /* 0: rounds decide */
	const char *device;      /* NULL: the store is killed; else the power is cut */
};

static struct soak_store store;
static uint32_t kills;

static void sleep_ms(uint32_t ms)
{
	(void)poll(NULL, 0, (int)ms);
}

static void run_for(struct play *play, uint32_t ms)
{
	const uint64_t end = play_now_ms() + ms;

	while (play_now_ms() < end)
		play_step(play);
}

/* Whether the thread that speaks for the store has stopped; the one that waits for the disk may go
 * on until that has answered. */
static bool has_stopped(void)
{
	char path[SOAK_PATH_BYTES], state = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)store.pid, (int)store.pid);
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		model_fail("%s: %s", path, strerror(errno));
	fclose(file);
	return state == 'T' || state == 'Z';
}

/* What the store has said by then has to hold. What it would say of a disk that is gone, after a
 * sync that was under way, does not count: with the power, it would not say it. */
static void cut_power(struct play *play, const char *place)
{
	kill(store.pid, SIGSTOP);
	while (!has_stopped())
		sleep_ms(1);
	power_cut(place, &play->random);
}

static void kill_store(struct play *play, const struct options *options)
{
	char place[SOAK_PATH_BYTES];

	soak_path(&store, "store", place);
	if (options->device)
		cut_power(play, place);
	soak_kill(&store);
	play_listen(play);
	model_cut(play->model);
	kills++;
	if (options->device)
		power_back(options->device, place);
}

static void round_once(struct play *play, const struct options *options)
{
	soak_start(&store);
	if (play_below(play, 5) == 0) {
		sleep_ms(play_below(play, 60));
		kill_store(play, options);
		soak_start(&store);
	}
	soak_attach(&store, play);
	run_for(play, 5 + play_below(play, 120));
	if (play_below(play, 5) == 0) {
		play_renew(play);
		soak_attach(&store, play);
		run_for(play, play_below(play, 60));
	}
	kill_store(play, options);
}

/* Steps until nothing of what there is by now is outstanding. */
static void drain(struct play *play)
{
	const uint64_t end = play_now_ms() + DRAIN_MS, before = play->model->clock;

	for (uint64_t n = 1; play_now_ms() < end; n++) {
		play_step(play);
		if (n % 64 == 0 && model_outstanding(play->model, before) == 0)
			break;
		/* Something new behind each `received`: when it is accepted, that is durable. */
		play->sending = n % 512 < 8;
	}
	play->sending = false;
	if (play_now_ms() < end)
		return;
	model_check_all_came(play->model);
	model_fail("stuck: %llu messages are accepted, or sent, and not through",
		(unsigned long long)model_outstanding(play->model, before));
}

static void end_run(struct play *play, const struct options *options)
{
	soak_start(&store);
	soak_attach(&store, play);
	play_finish(play);
	drain(play);
	model_check_all_came(play->model);
	kill_store(play, options);
	soak_start(&store);
	soak_attach(&store, play);
	drain(play);
	run_for(play, 1500); /* longer than the store waits before it delivers again */
	kill_store(play, options);
	model_check_all_came(play->model);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = { { "rounds", 1, NULL, 'r' },
		{ "seconds", 1, NULL, 'm' }, { "seed", 1, NULL, 's' }, { "preload", 1, NULL, 'p' },
		{ "power", 1, NULL, 'd' }, { NULL, 0, NULL, 0 } };
	int option;

	*options = (struct options){ .rounds = 100, .seed = (uint64_t)time(NULL) };
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'r')
			options->rounds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'm')
			options->until_ms = play_now_ms() + strtoul(optarg, NULL, 10) * 1000;
		else if (option == 's')
			options->seed = strtoull(optarg, NULL, 10);
		else if (option == 'p')
			store.preload = optarg;
		else if (option == 'd')
			options->device = optarg;
		else
			argc = 0;
	}
	if (argc - optind != 2 || options->seed == 0) {
		fputs("usage: store_soak [--rounds N] [--seconds N] [--seed S] [--preload LIBRARY] "
		      "[--power DEVICE] PROGRAM DIRECTORY\n",
			stderr);
		exit(2);
	}
	store.program = argv[optind];
	store.directory = argv[optind + 1];
	if (options->until_ms > 0)
		options->rounds = 1 << 20;
}

int main(int argc, char **argv)
{
	struct options options;
	struct model model;
	struct play play;
	uint32_t rounds = 0;

	parse(&options, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %llu\n", (unsigned long long)options.seed);
	soak_configure(&store);
	model_open(&model, options.seed, LIVES_PER_ROUND * options.rounds + 8);
	play_open(&play, &model, store.directory, options.seed);
	while (rounds < options.rounds &&
		(options.until_ms == 0 || play_now_ms() < options.until_ms)) {
		round_once(&play, &options);
		rounds++;
	}
	end_run(&play, &options);
	printf("%u rounds, %u kills: %llu messages sent, %llu repetitions, %llu accepted, %llu "
	       "delivered, %llu again while their received was on its way\n",
		rounds, kills, (unsigned long long)model.sent, (unsigned long long)model.repeated,
		(unsigned long long)model.accepted, (unsigned long long)model.came,
		(unsigned long long)model.again);
	play_close(&play);
	model_close(&model);
	return 0;
}
