#include "cli.h"
#include "client.h"
#include "list.h"
#include "src/qr.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_qr(const char *uri)
{
	char *drawing = qr_text(uri);
	if (drawing == NULL) {
		perror("chappectl: no QR code");
		return;
	}
	fputs(drawing, stdout);
	sodium_memzero(drawing, strlen(drawing));
	free(drawing);
}

static void print_invitations(const struct options *options, const json_t *reply)
{
	const json_t *invitations = json_object_get(reply, "invitations");
	char text[32];
	size_t i;
	json_t *invitation;
	json_array_foreach (invitations, i, invitation) {
		const char *uri = print_text(invitation, "uri");
		puts(uri);
		if (options->given[OPTION_qr])
			print_qr(uri);
	}
	fprintf(stderr, "%zu invitation%s, each for one device, for %s. Secret: shown only now.\n",
		json_array_size(invitations), json_array_size(invitations) == 1 ? "" : "s",
		print_duration((int64_t)options->ttl_s, text));
}

/* The relay makes at most BATCH in one request. What was made before an error is printed: it holds.
 */
static int collect_invitations(const struct options *options, json_t *invitations)
{
	enum { BATCH = 100 };
	for (uint64_t made = 0; made < options->count;) {
		const uint64_t left = options->count - made;
		json_t *reply;
		const int r = client_call(options, "POST", "/v1/invitations",
			json_pack("{s:I,s:I}", "ttl_s", (json_int_t)options->ttl_s, "count",
				(json_int_t)(left < BATCH ? left : BATCH)),
			&reply);
		if (r != CLI_OK)
			return r;
		json_array_extend(invitations, json_object_get(reply, "invitations"));
		json_decref(reply);
		made += left < BATCH ? left : BATCH;
	}
	return CLI_OK;
}

int cli_invite(const struct options *options)
{
	json_t *invitations = json_array();
	const int r = collect_invitations(options, invitations);
	if (r != CLI_OK && json_array_size(invitations) == 0) {
		json_decref(invitations);
		return r;
	}
	json_t *reply = json_pack("{s:o}", "invitations", invitations);
	if (options->json) {
		print_json(reply);
		return r;
	}
	print_invitations(options, reply);
	json_decref(reply);
	return r;
}

static void cells(struct print_table *table, const json_t *invitation)
{
	print_cell(table, "%s", print_text(invitation, "invitation"));
	print_cell(table, "%s", print_text(invitation, "state"));
	print_cell(table, "%s", print_text(invitation, "expires_at"));
	print_cell(table, "%s", print_text(invitation, "device"));
}

int cli_invitation_list(const struct options *options)
{
	static const char *const headings[] = { "INVITATION", "STATE", "EXPIRES", "DEVICE", NULL };
	const struct list invitations = {
		.field = "invitations", .headings = headings, .cells = cells
	};
	return list_show(options, &invitations, "/v1/invitations");
}

int cli_invitation_cancel(const struct options *options)
{
	char path[160];
	if (client_path(options, path, sizeof path, "/v1/invitations/%s", options->operand[0]) != 0)
		return CLI_USAGE;
	json_t *reply;
	const int r = client_show(options, "DELETE", path, NULL, &reply);
	if (r != CLI_OK || reply == NULL)
		return r;
	printf("Invitation %s cancelled.\n", print_text(reply, "invitation"));
	json_decref(reply);
	return CLI_OK;
}
