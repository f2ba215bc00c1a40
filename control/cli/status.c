#include "cli.h"
#include "client.h"
#include "print.h"
#include <stdio.h>

static void print_dataplane(const json_t *status)
{
	const json_t *dataplane = json_object_get(status, "dataplane");
	char text[32];
	if (!json_is_true(json_object_get(dataplane, "connected"))) {
		puts("dataplane    NOT CONNECTED: no frame of a new session is relayed. Is it "
		     "running\n"
		     "             (systemctl status chappe-dataplane), with the same run_dir?");
		return;
	}
	if (!json_is_true(json_object_get(dataplane, "answers"))) {
		puts("dataplane    connected, DOES NOT ANSWER (journalctl -u chappe-dataplane)");
		return;
	}
	printf("dataplane    connected for %s, %lld workers%s\n",
		print_duration(print_integer(dataplane, "connected_s"), text),
		(long long)print_integer(dataplane, "workers"),
		json_is_true(json_object_get(dataplane, "in_step")) ? "" : ", tables being filled");
	printf("             room for %lld devices, %lld routes each; boot %s\n",
		(long long)print_integer(dataplane, "devices_max"),
		(long long)print_integer(dataplane, "routes_per_device"),
		print_text(dataplane, "boot"));
}

static void print_store(const json_t *status)
{
	const json_t *store = json_object_get(status, "message_store");
	const json_t *waiting = json_object_get(store, "waiting");
	char text[32];
	if (!json_is_true(json_object_get(store, "connected"))) {
		puts("store        not connected: messages for devices that are away are not "
		     "accepted");
		return;
	}
	if (!json_is_true(json_object_get(store, "answers"))) {
		puts("store        connected, DOES NOT ANSWER (journalctl -u chappe-store)");
		return;
	}
	printf("store        connected for %s, %lld frames wait under %lld routes%s%s\n",
		print_duration(print_integer(store, "connected_s"), text),
		(long long)print_integer(waiting, "frames"),
		(long long)print_integer(waiting, "mailboxes"),
		json_is_true(json_object_get(store, "linked")) ? ""
							       : ", NOT LINKED to the dataplane",
		json_is_true(json_object_get(store, "failed"))
			? ", ITS DISK DOES NOT WRITE (`chappectl store status`)"
			: "");
}

static void print_handshakes(const json_t *status)
{
	const json_t *handshakes = json_object_get(status, "handshakes");
	printf("handshakes   %lld threads, %lld waiting, %lld pending sessions, %lld indices "
	       "leased\n",
		(long long)print_integer(handshakes, "threads"),
		(long long)print_integer(handshakes, "queue_depth"),
		(long long)print_integer(handshakes, "pending_sessions"),
		(long long)print_integer(handshakes, "leased_indices"));
}

int cli_status(const struct options *options)
{
	json_t *status;
	const int r = client_call(options, "GET", "/v1/status", NULL, &status);
	if (r != CLI_OK)
		return r;
	const bool answers =
		json_is_true(json_object_get(json_object_get(status, "dataplane"), "answers"));
	const int result = answers ? CLI_OK : CLI_DATAPLANE;
	if (options->json) {
		print_json(status);
		return result;
	}
	char text[32];
	printf("relay key    %s\n", print_text(status, "relay_key"));
	size_t i;
	json_t *name;
	json_array_foreach (json_object_get(status, "names"), i, name) {
		printf("%s %s\n", i == 0 ? "names       " : "            ",
			json_string_value(name));
	}
	printf("control      version %s, up %s%s\n", print_text(status, "version"),
		print_duration(print_integer(status, "uptime_s"), text),
		json_is_true(json_object_get(status, "draining")) ? ", DRAINING" : "");
	if (json_is_string(json_object_get(status, "state_error")))
		printf("             ITS LAST CHANGE COULD NOT BE WRITTEN: %s (the disk of its "
		       "state_dir)\n",
			print_text(status, "state_error"));
	print_dataplane(status);
	print_store(status);
	print_handshakes(status);
	printf("devices      %lld enrolled, %lld revoked in the last 30 days\n",
		(long long)print_integer(status, "devices"),
		(long long)print_integer(status, "devices_revoked"));
	printf("routes       %lld\n", (long long)print_integer(status, "routes"));
	printf("sessions     %lld\n", (long long)print_integer(status, "sessions"));
	printf("invitations  %lld open\n", (long long)print_integer(status, "invitations_open"));
	json_decref(status);
	return result;
}
