#include "cli.h"
#include "list.h"
#include <string.h>

static void print_endpoint(struct print_table *table, const json_t *endpoint)
{
	const char *address = print_text(endpoint, "address");
	const bool six = strchr(address, ':') != NULL;
	if (json_is_object(endpoint))
		print_cell(table, "%s%s%s:%lld", six ? "[" : "", address, six ? "]" : "",
			(long long)print_integer(endpoint, "udp_port"));
	else
		print_cell(table, "-");
}

static void cells(struct print_table *table, const json_t *session)
{
	char text[32];
	print_cell(table, "%s", print_text(session, "session"));
	print_cell(table, "%s", print_text(session, "device"));
	print_cell(table, "%s", print_text(session, "state"));
	print_cell(table, "%s", print_text(session, "suite"));
	print_cell(table, "%lld", (long long)print_integer(session, "owner"));
	print_cell(table, "%s", print_duration(print_integer(session, "expires_in_s"), text));
	print_cell(table, "%lld", (long long)print_integer(session, "highest_received"));
	print_cell(table, "%lld", (long long)print_integer(session, "next_to_send"));
	print_endpoint(table, json_object_get(session, "endpoint"));
	print_endpoint(table, json_object_get(session, "candidate"));
}

int cli_session_list(const struct options *options)
{
	static const char *const headings[] = { "SESSION", "DEVICE", "STATE", "SUITE", "OWNER",
		"EXPIRES IN", "RECEIVED", "SENT", "ENDPOINT", "CANDIDATE", NULL };
	const struct list sessions = { .field = "sessions", .headings = headings, .cells = cells };
	return list_show_of(options, &sessions);
}
