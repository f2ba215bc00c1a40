/* `store verify` and `store compact`: jobs that chappe-store does while it serves on. */
#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POLL_FIRST_MS = 20, POLL_LAST_MS = 500 };

static void wait_ms(long ms)
{
	const struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&wait, NULL);
}

static void show_progress(const json_t *store, const json_t *job)
{
	const int64_t waiting = print_integer(json_object_get(store, "waiting"), "frames");
	if (json_object_get(job, "read") != NULL)
		fprintf(stderr, "\r%lld of %lld read ", (long long)print_integer(job, "read"),
			(long long)waiting);
}

/* Waits until a job that was started is over; *store is then the last status. */
static int wait_for(const struct options *options, const char *name, json_t **store)
{
	const bool screen = isatty(STDERR_FILENO) && !options->json;
	long pause = POLL_FIRST_MS;
	for (;;) {
		const int r = client_call(options, "GET", "/v1/store", NULL, store);
		if (r != CLI_OK)
			return r;
		const json_t *job = json_object_get(*store, name);
		if (screen)
			show_progress(*store, job);
		if (strcmp(print_text(job, "state"), "running") != 0)
			break;
		json_decref(*store);
		wait_ms(pause);
		if (pause < POLL_LAST_MS)
			pause *= 2;
	}
	if (screen)
		fputs("\r\033[K", stderr);
	return CLI_OK;
}

static int end(const struct options *options, const char *name, json_t *store)
{
	const json_t *job = json_object_get(store, name);
	const char *state = print_text(job, "state");
	const long long bad = (long long)print_integer(job, "unreadable");
	int result = CLI_OK;
	if (strcmp(state, "none") == 0)
		result = client_error(options, CLI_STORE, "store_down",
			"chappe-store was started anew meanwhile, and the job ended with it: start "
			"it again");
	else if (strcmp(state, "done") != 0)
		result = client_error(options, CLI_FAILED, "internal",
			"it failed; the log of chappe-store says why (journalctl -u "
			"chappe-store)");
	else if (bad != 0)
		result = client_error(options, CLI_DAMAGED, "damaged",
			"%lld of %lld records can't be read: they are lost, the rest is served. "
			"Look at the disk (dmesg, smartctl); docs/operating.md, `When the disk is "
			"damaged`",
			bad, (long long)print_integer(job, "read") + bad);
	else if (options->json)
		print_json(json_incref((json_t *)job));
	else if (strcmp(name, "verify") == 0)
		printf("Verified: %lld records, all of them can be read.\n",
			(long long)print_integer(job, "read"));
	else
		puts("Compacted.");
	json_decref(store);
	return result;
}

static int run(const struct options *options, const char *name, const char *path)
{
	json_t *reply;
	int r = client_call(options, "POST", path, NULL, &reply);
	if (r != CLI_OK)
		return r;
	if (options->given[OPTION_no_wait]) {
		if (options->json)
			print_json(json_incref(reply));
		else
			puts("Started: `chappectl store status` shows how far it is.");
		json_decref(reply);
		return CLI_OK;
	}
	json_decref(reply);
	r = wait_for(options, name, &reply);
	return r == CLI_OK ? end(options, name, reply) : r;
}

int cli_store_verify(const struct options *options)
{
	return run(options, "verify", "/v1/store/verify");
}

int cli_store_compact(const struct options *options)
{
	return run(options, "compact", "/v1/store/compact");
}
