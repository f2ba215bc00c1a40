#include "src/cli/cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { JOIN_TIMEOUT_MS = 20000, STATUS_TIMEOUT_MS = 10000, INVITATION_MAX_BYTES = 4096 };

/* ---- join ---- */

static int join_event(struct cli *cli, const struct chappe_event *event)
{
	if (event->type == CHAPPE_EVENT_JOINED)
		*(bool *)cli->command = true;
	return event->type == CHAPPE_EVENT_MESSAGE;
}

static bool join_done(const struct cli *cli)
{
	return *(bool *)cli->command;
}

static enum chappe_error join(struct cli *cli, const char *invitation, int timeout_ms, bool *joined)
{
	enum chappe_error error = cli_open_new(cli);

	if (error)
		return error;
	cli->command = joined;
	cli->on_event = join_event;
	error = chappe_join(cli->chappe, invitation);
	if (error)
		return cli_fail(cli, error, chappe_link_problem(cli->chappe));
	error = cli_wait(cli, join_done, timeout_ms, CHAPPE_ERR_UNREACHABLE);
	if (error == CHAPPE_ERR_UNREACHABLE)
		return cli_fail(
			cli, error, "the invitation is kept, and the next command tries again");
	if (error)
		return cli_fail(cli, error, NULL);
	fprintf(stderr, "Joined. Next: chappe contact new NAME\n");
	return CHAPPE_OK;
}

enum chappe_error cli_join(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ 0 } };
	char *text = NULL;
	size_t len = 0;
	bool joined = false;
	int option, timeout_ms = JOIN_TIMEOUT_MS;
	enum chappe_error error;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (option != 't' || !cli_parse_seconds(optarg, &timeout_ms))
			return cli_usage(
				cli, "join", option == 't' ? "--timeout needs seconds" : NULL);
	if (optind + 1 != argc)
		return cli_usage(cli, "join", "join needs one invitation");
	if (strcmp(argv[optind], "-") != 0)
		return join(cli, argv[optind], timeout_ms, &joined);
	error = cli_read_all(stdin, INVITATION_MAX_BYTES, &text, &len);
	if (error)
		return cli_fail_reading(cli, error, "standard input");
	text[len] = '\0';
	error = join(cli, text, timeout_ms, &joined);
	sodium_memzero(text, len);
	free(text);
	return error;
}

/* ---- status ---- */

static bool status_done(const struct cli *cli)
{
	struct chappe_status status;

	chappe_get_status(cli->chappe, &status);
	return status.state == CHAPPE_STATE_CONNECTED && status.routes_max;
}

static const char *state_name(enum chappe_state state)
{
	static const char *const names[] = { "offline", "connecting", "connected", "waiting",
		"refused" };
	return names[state];
}

static void key_text(const uint8_t key[32], char text[64])
{
	sodium_bin2base64(text, 64, key, 32, sodium_base64_VARIANT_ORIGINAL);
}

static void print_json(const struct chappe_status *s)
{
	char relay_key[64], device_key[64];
	json_t *counters = json_object(), *object;

	key_text(s->relay_key, relay_key);
	key_text(s->device_key, device_key);
#define X(name, help)                                                                              \
	json_object_set_new(counters, #name, json_integer((json_int_t)s->counters.name));
	CHAPPE_COUNTERS(X)
#undef X
	object = json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:I, s:I, s:I, s:I, s:o}",
		"joined", s->joined, "state", state_name(s->state), "error",
		chappe_error_name(s->error), "relay", s->relay, "relay_key", relay_key,
		"device_key", device_key, "suite", s->suite, "session_age_s",
		(json_int_t)(s->session_age_ns / 1000000000), "keepalive_s", s->keepalive_s,
		"routes_max", (json_int_t)s->routes_max, "frames_per_s",
		(json_int_t)s->frames_per_s, "bytes_per_s", (json_int_t)s->bytes_per_s, "contacts",
		(json_int_t)s->contacts, "counters", counters);
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static void print_limit(const char *what, uint64_t value)
{
	if (value)
		printf("%s %" PRIu64, what, value);
	else
		printf("%s unlimited", what);
}

static void print_text(const struct chappe_status *s)
{
	char key[64];

	printf("state       %s%s%s\n", state_name(s->state), s->error ? ": " : "",
		s->error ? chappe_strerror(s->error) : "");
	printf("relay       %s\n", s->relay);
	key_text(s->relay_key, key);
	printf("relay key   %s\n", key);
	key_text(s->device_key, key);
	printf("device key  %s\n", key);
	if (*s->suite)
		printf("session     %s, keepalive every %u s\n", s->suite, s->keepalive_s);
	if (s->routes_max) {
		printf("limits      routes %" PRIu32, s->routes_max);
		print_limit(", frames/s", s->frames_per_s);
		print_limit(", bytes/s", s->bytes_per_s);
		putchar('\n');
	}
	printf("contacts    %" PRIu32 "\n", s->contacts);
}

enum chappe_error cli_status(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' }, { "offline", no_argument, NULL, 'o' }, { 0 } };
	int option, timeout_ms = STATUS_TIMEOUT_MS;
	bool offline = false;
	struct chappe_status status;
	enum chappe_error error;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			cli->json = true;
		else if (option == 'o')
			offline = true;
		else if (option != 't' || !cli_parse_seconds(optarg, &timeout_ms))
			return cli_usage(
				cli, "status", option == 't' ? "--timeout needs seconds" : NULL);
	}
	if (optind != argc)
		return cli_usage(cli, "status", "status takes no arguments");
	error = cli_open(cli);
	if (error)
		return error;
	if (!offline)
		error = cli_wait(cli, status_done, timeout_ms, CHAPPE_ERR_UNREACHABLE);
	chappe_get_status(cli->chappe, &status);
	if (cli->json)
		print_json(&status);
	else
		print_text(&status);
	return error ? cli_fail(cli, error, NULL) : CHAPPE_OK;
}
