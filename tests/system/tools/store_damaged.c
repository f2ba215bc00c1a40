/* What becomes of the messages of a chappe-store whose files were damaged while it was not running.
 *
 * usage: store_damaged fill|serve PROGRAM DIRECTORY
 *
 * fill: MESSAGES messages for each route are accepted and wait, and the store is killed; half of
 * them in a life before that. serve: it starts again, delivers, and must still accept a message for
 * each route. What comes is what was sent, in the order of its route; prints how much of it came:
 * "COME of ALL".
 *
 * Exits with 0, with 1 and "FAILED reason", or with 2. */
#include "soak_store.h"

#include <stdio.h>
#include <string.h>

enum {
	SEED = 1,
	LIVES = 8,
	MESSAGES = 20,
	ALL = MODEL_ROUTES * MESSAGES,
	LIMIT_MS = 60000,
	QUIET_MS = 2500, /* above the time after which the store delivers again */
};

static struct soak_store store;
static struct model model;
static struct play play;

/* Messages of all routes, the same numbers in every run. */
static void make_messages(uint32_t count)
{
	for (uint32_t n = 0; n < count; n++)
		for (uint32_t route = 0; route < MODEL_ROUTES; route++)
			(void)model_new(&model, route);
}

static uint32_t count_accepted(void)
{
	uint32_t count = 0;

	for (uint32_t route = 0; route < MODEL_ROUTES; route++)
		count += model.routes[route].unaccepted;
	return count;
}

/* Until all there are by now are accepted: the play repeats what was not. */
static void offer(void)
{
	const uint64_t end = play_now_ms() + LIMIT_MS;

	play.sending = false;
	while (play_now_ms() < end) {
		play_step(&play);
		bool all = true;
		for (uint32_t route = 0; route < MODEL_ROUTES; route++)
			all &= model.routes[route].unaccepted == model.routes[route].count;
		if (all)
			return;
	}
	model_fail("accepted: %u messages, %u were sent", count_accepted(),
		MODEL_ROUTES * model.routes[0].count);
}

static void start(void)
{
	soak_start(&store);
	soak_attach(&store, &play);
}

static void fill(void)
{
	memset(play.online, 0, sizeof play.online);
	for (int life = 0; life < 2; life++) {
		start();
		make_messages(MESSAGES / 2);
		offer();
		soak_kill(&store);
		model_cut(&model);
	}
	printf("%u accepted\n", count_accepted());
}

/* Until all came, or nothing comes any more. */
static void fetch(void)
{
	uint64_t last_ms = play_now_ms(), came = 0;

	while (came < ALL && play_now_ms() < last_ms + QUIET_MS) {
		play_step(&play);
		if (model.came > came)
			last_ms = play_now_ms();
		came = model.came;
	}
}

static void check_order(void)
{
	for (uint32_t route = 0; route < MODEL_ROUTES; route++) {
		uint64_t last = 0;
		for (uint32_t serial = 0; serial < MESSAGES; serial++) {
			const struct model_message *message = model_message(&model, route, serial);
			if (message->left != 0 && message->left < last)
				model_fail("order: route %u, message %u", route, serial);
			if (message->left != 0)
				last = message->left;
		}
	}
}

static void serve(void)
{
	make_messages(MESSAGES);
	for (uint32_t route = 0; route < MODEL_ROUTES; route++)
		for (uint32_t serial = 0; serial < MESSAGES; serial++) {
			model_sent(&model, route, serial);
			/* As if: nobody is to repeat them, or to judge their order yet. */
			model_message(&model, route, serial)->repeat_ms = UINT64_MAX;
		}
	start();
	play_finish(&play);
	fetch();
	const unsigned long long came = model.came;
	check_order();
	for (uint32_t route = 0; route < MODEL_ROUTES; route++) {
		for (uint32_t serial = 0; serial < MESSAGES; serial++)
			model_message(&model, route, serial)->accepted = 1;
		model.routes[route].unaccepted = MESSAGES;
		model.routes[route].unleft = MESSAGES;
	}
	make_messages(1);
	offer();
	soak_kill(&store);
	printf("%llu of %u\n", came, (unsigned)ALL);
}

int main(int argc, char **argv)
{
	if (argc != 4 || (strcmp(argv[1], "fill") != 0 && strcmp(argv[1], "serve") != 0)) {
		fputs("usage: store_damaged fill|serve PROGRAM DIRECTORY\n", stderr);
		return 2;
	}
	store = (struct soak_store){ .program = argv[2], .directory = argv[3] };
	setvbuf(stdout, NULL, _IOLBF, 0);
	soak_configure(&store);
	model_open(&model, SEED, LIVES);
	play_open(&play, &model, store.directory, SEED);
	play.lossy = false;
	if (strcmp(argv[1], "fill") == 0)
		fill();
	else
		serve();
	play_close(&play);
	model_close(&model);
	return 0;
}
