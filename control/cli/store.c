#include "cli.h"
#include "client.h"
#include "print.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static long long in(const json_t *object, const char *inner, const char *key)
{
	return (long long)print_integer(json_object_get(object, inner), key);
}

static void print_waiting(const json_t *store)
{
	char bytes[32];
	printf("waiting      %lld frames under %lld routes, %s\n", in(store, "waiting", "frames"),
		in(store, "waiting", "mailboxes"),
		print_bytes(in(store, "waiting", "bytes"), bytes));
	printf("since start  %lld accepted, %lld delivered, %lld repeated, %lld expired\n",
		(long long)print_integer(store, "accepted"),
		(long long)print_integer(store, "delivered"),
		(long long)print_integer(store, "repeated"),
		(long long)print_integer(store, "expired"));
	printf("refused      %lld by a route's limit, %lld by a device's, %lld by the total or the "
	       "disk's, %lld by failure\n",
		in(store, "refused", "route"), in(store, "refused", "device"),
		in(store, "refused", "total"), in(store, "refused", "failed"));
}

static void print_damage(const json_t *store)
{
	const long long damaged = in(store, "found_at_start", "damaged");
	const long long lost = in(store, "found_at_start", "unreadable");
	if (damaged == 0 && lost == 0)
		puts("damage       none found at start");
	else
		printf("damage       FOUND AT START: %lld ranges; %lld frames found again in other "
		       "places, %lld records lost\n",
			damaged, in(store, "found_at_start", "rebuilt"), lost);
}

static void print_disk(const json_t *store)
{
	char used[32], room[32], median[32], high[32];
	printf("disk         %s used, %s free%s\n",
		print_bytes(in(store, "disk", "used_bytes"), used),
		print_bytes(in(store, "disk", "free_bytes"), room),
		json_is_true(json_object_get(store, "failed"))
			? "; IT DOES NOT WRITE: nothing is accepted, what waits is still "
			  "delivered.\n             The journal of chappe-store says why; it goes "
			  "on by itself when the disk does"
			: "");
	printf("commits      p50 %s, p99 %s in the last minute\n",
		print_microseconds(in(store, "commit", "p50_us"), median),
		print_microseconds(in(store, "commit", "p99_us"), high));
	printf("keys         of %lld epochs; each goes with the last frame of its hour\n",
		(long long)print_integer(store, "epochs"));
}

static void print_jobs(const json_t *store)
{
	const json_t *verify = json_object_get(store, "verify");
	const char *state = print_text(verify, "state");
	printf("verify       %s", strcmp(state, "none") == 0 ? "not since start" : state);
	if (strcmp(state, "none") != 0)
		printf(", %lld read, %lld unreadable", (long long)print_integer(verify, "read"),
			(long long)print_integer(verify, "unreadable"));
	state = print_text(json_object_get(store, "compact"), "state");
	printf("\ncompact      %s\n", strcmp(state, "none") == 0 ? "not since start" : state);
}

int cli_store_status(const struct options *options)
{
	json_t *store;
	const int r = client_call(options, "GET", "/v1/store", NULL, &store);
	if (r != CLI_OK)
		return r;
	const int result = json_is_true(json_object_get(store, "failed")) ? CLI_FAILED : CLI_OK;
	if (options->json) {
		print_json(store);
		return result;
	}
	char text[32];
	printf("store        connected for %s, %s\n",
		print_duration(print_integer(store, "connected_s"), text),
		json_is_true(json_object_get(store, "linked"))
			? "linked to the dataplane"
			: "NOT LINKED to the dataplane: nothing is taken and nothing delivered");
	print_waiting(store);
	if (print_integer(store, "erasures_waiting") != 0)
		printf("to erase     what waits under %lld revoked routes\n",
			(long long)print_integer(store, "erasures_waiting"));
	print_damage(store);
	print_disk(store);
	print_jobs(store);
	json_decref(store);
	return result;
}

/* What people type, and the field of the API. */
static const struct {
	enum option_id option;
	const char *field, *label;
	size_t value;
	bool bytes;
} limit_table[] = {
#define L(option, field, label, bytes)                                                             \
	{                                                                                          \
		OPTION_##option, field, label, offsetof(struct options, option), bytes             \
	}
	L(route_frames, "route_frames", "frames under a route", false),
	L(route_bytes, "route_bytes", "bytes under a route", true),
	L(device_frames, "device_frames", "frames for a device", false),
	L(device_bytes, "device_bytes", "bytes for a device", true),
	L(total_bytes, "total_bytes", "bytes altogether", true),
	L(disk_free, "disk_free_bytes", "bytes the disk must have free", true),
#undef L
	{ OPTION_ttl, "ttl_s", "time a frame waits", offsetof(struct options, ttl_s), false },
};
enum { LIMITS = sizeof limit_table / sizeof limit_table[0] };

static json_t *changes_of(const struct options *options)
{
	json_t *body = json_object();
	for (size_t i = 0; i < LIMITS; i++) {
		if (!options->given[limit_table[i].option])
			continue;
		uint64_t value;
		memcpy(&value, (const char *)options + limit_table[i].value, sizeof value);
		json_object_set_new(body, limit_table[i].field,
			value == OPTIONS_LIMIT_DEFAULT ? json_null()
						       : json_integer((json_int_t)value));
	}
	return body;
}

static void print_limits(const json_t *reply)
{
	const json_t *limits = json_object_get(reply, "limits");
	const json_t *own = json_object_get(reply, "own_limits");
	for (size_t i = 0; i < LIMITS; i++) {
		char text[32];
		const int64_t value = print_integer(limits, limit_table[i].field);
		if (limit_table[i].option == OPTION_ttl)
			print_duration(value, text);
		else if (limit_table[i].bytes)
			print_bytes(value, text);
		else
			snprintf(text, sizeof text, "%lld", (long long)value);
		printf("%-30s %s%s\n", limit_table[i].label, text,
			json_is_null(json_object_get(own, limit_table[i].field)) ? " (default)"
										 : "");
	}
	if (!json_is_true(json_object_get(reply, "in_force")))
		puts("chappe-store is not connected: it gets these limits as soon as it is.");
}

int cli_store_limits(const struct options *options)
{
	const char *word = options->operands == 1 ? options->operand[0] : "";
	const bool set = strcmp(word, "set") == 0;
	if (!set && *word != '\0' && strcmp(word, "show") != 0)
		return client_error(options, CLI_USAGE, "bad_request",
			"`store limits` takes show or set, not `%s`", word);
	json_t *body = changes_of(options), *reply;
	const bool any = json_object_size(body) > 0;
	if (set != any) {
		json_decref(body);
		return client_error(options, CLI_USAGE, "bad_request",
			set ? "nothing to change: name a limit, such as --device-frames 20000"
			    : "to change a limit, say `store limits set`");
	}
	if (!set) {
		json_decref(body);
		body = NULL;
	}
	const int r = client_show(options, set ? "PATCH" : "GET", "/v1/store/limits", body, &reply);
	if (r != CLI_OK || reply == NULL)
		return r;
	print_limits(reply);
	json_decref(reply);
	return CLI_OK;
}
