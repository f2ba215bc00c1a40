/* /v1/invitations */
#include "audit.h"
#include "src/link.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

/* The URI that a person hands to a new device: the one place where a secret leaves by the API. */
static int write_uri(const struct control_info *info, const struct store_invitation *invitation,
	char uri[LINK_TEXT_BYTES])
{
	struct link link = { .kind = LINK_INVITE, .relay_count = info->names_count };
	for (uint32_t i = 0; i < info->names_count && i < LINK_RELAYS_MAX; i++)
		snprintf(link.relays[i], sizeof link.relays[i], "%s", info->names[i]);
	memcpy(link.relay_key, info->relay_public, sizeof link.relay_key);
	memcpy(link.invitation_id, invitation->id, sizeof link.invitation_id);
	memcpy(link.secret, invitation->secret, sizeof link.secret);
	link.expires_s = (uint64_t)invitation->expires_s;
	const int r = link_format(&link, uri);
	link_wipe(&link);
	return r;
}

/* Appends one. Returns 0 or -errno. */
static int append(const struct control_info *info, const struct store_invitation *invitation,
	json_t *invitations)
{
	char uri[LINK_TEXT_BYTES], prefix[API_HEX_BYTES];
	int r = write_uri(info, invitation, uri);
	if (r == 0)
		json_array_append_new(invitations,
			json_pack("{s:s,s:s,s:o}", "invitation", api_prefix(invitation->id, prefix),
				"uri", uri, "expires_at", api_time_json(invitation->expires_s)));
	sodium_memzero(uri, sizeof uri);
	return r;
}

void api_invitations_post(struct api_request *request)
{
	struct api_invite invite;
	struct control_info info;
	char fault[API_FAULT_BYTES];
	if (api_body_invite(request->body, request->body_len, &invite, fault) != 0) {
		api_fail(request, API_BAD_REQUEST, "%s", fault);
		return;
	}
	snprintf(request->what, sizeof request->what, "invite count=%u ttl_s=%u", invite.count,
		invite.ttl_s);
	control_info(request->control, &info);
	if (info.names_count == 0) {
		api_fail(request, API_CONFLICT,
			"the relay has no name that an invitation could carry: set [relay] name = "
			"host:port in the configuration of chappe-control and restart it");
		return;
	}
	struct store_invitation made[API_INVITE_COUNT_MAX];
	json_t *invitations = json_array();
	int r = control_invite(request->control, invite.ttl_s, made, invite.count);
	const uint32_t count = r == 0 ? invite.count : 0;
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = append(&info, &made[i], invitations);
	for (uint32_t i = 0; r != 0 && i < count; i++) /* nobody will see them */
		control_invitation_cancel(request->control, made[i].id);
	sodium_memzero(made, count * sizeof *made);
	if (r == 0) {
		api_reply_created(request, json_pack("{s:o}", "invitations", invitations));
		return;
	}
	json_decref(invitations);
	if (r == -EINVAL)
		api_fail(request, API_CONFLICT,
			"a name of the relay can't be written into an invitation: [relay] name "
			"must be host:port");
	else
		api_fail_errno(request, r, "making an invitation");
}

struct listing {
	json_t *rows;
	uint64_t skip, position, limit;
	struct store *store;
	int64_t now_s;
};

static const char *state_of(const struct store_invitation *invitation, int64_t now_s)
{
	if (invitation->used_s != 0)
		return "used";
	return invitation->expires_s > now_s ? "open" : "expired";
}

static int list_one(void *arg, const struct store_invitation *invitation)
{
	struct listing *listing = arg;
	struct store_device device;
	char prefix[API_HEX_BYTES], name[API_DEVICE_BYTES];
	if (listing->position++ < listing->skip)
		return 0;
	if (json_array_size(listing->rows) == listing->limit)
		return 1;
	const bool has_device = invitation->device != 0 &&
				store_device_get(listing->store, invitation->device, &device) == 0;
	json_array_append_new(
		listing->rows, json_pack("{s:s,s:s,s:o,s:o,s:o,s:s?}", "invitation",
				       api_prefix(invitation->id, prefix), "state",
				       state_of(invitation, listing->now_s), "created_at",
				       api_time_json(invitation->created_s), "expires_at",
				       api_time_json(invitation->expires_s), "used_at",
				       api_time_json(invitation->used_s), "device",
				       has_device ? api_device_name(&device, name) : NULL));
	sodium_memzero(&device, sizeof device);
	return 0;
}

void api_invitations_get(struct api_request *request)
{
	struct listing listing = {
		.store = control_store(request->control), .now_s = time(NULL), .limit = API_PAGE_MAX
	};
	char next[24];
	if (!api_query_number(request, "limit", 1, API_PAGE_MAX, &listing.limit) ||
		!api_query_number(request, "after", 0, INT64_MAX, &listing.skip))
		return;
	listing.rows = json_array();
	const int r = store_invitations(listing.store, list_one, &listing);
	if (r < 0) {
		json_decref(listing.rows);
		api_fail_errno(request, r, "reading invitations");
		return;
	}
	snprintf(next, sizeof next, "%llu", (unsigned long long)(listing.skip + listing.limit));
	api_reply(request,
		json_pack("{s:o,s:s?}", "invitations", listing.rows, "next", r > 0 ? next : NULL));
}

struct search {
	uint8_t prefix[16];
	size_t len;
	unsigned found;
	struct store_invitation invitation;
};

static int match_one(void *arg, const struct store_invitation *invitation)
{
	struct search *search = arg;
	if (memcmp(invitation->id, search->prefix, search->len) != 0)
		return 0;
	search->invitation = *invitation;
	return ++search->found > 1;
}

static int cancel(struct api_request *request, const uint8_t id[WIRE_INVITATION_ID_BYTES])
{
	int r = api_audit_begin(request);
	if (r == 0 && (r = control_invitation_cancel(request->control, id)) != 0)
		api_audit_undo(request);
	return r;
}

void api_invitation_delete(struct api_request *request)
{
	struct search search = { 0 };
	char prefix[API_HEX_BYTES];
	if (!api_find_prefix(request, search.prefix, &search.len))
		return;
	int r = store_invitations(control_store(request->control), match_one, &search);
	if (r < 0) {
		api_fail_errno(request, r, "reading invitations");
	} else if (search.found == 0) {
		api_fail(request, API_NOT_FOUND,
			"no invitation begins with %s: `chappectl invitation list` shows those "
			"there are",
			request->path.name);
	} else if (search.found > 1) {
		api_fail(request, API_AMBIGUOUS, "more than one invitation begins with %s",
			request->path.name);
	} else {
		api_prefix(search.invitation.id, prefix);
		snprintf(request->what, sizeof request->what, "invitation cancel %s", prefix);
		if (search.invitation.used_s != 0)
			api_fail(request, API_CONFLICT,
				"invitation %s was used: revoke the device that it enrolled",
				prefix);
		else if ((r = cancel(request, search.invitation.id)) != 0)
			api_fail_errno(request, r, "cancelling the invitation");
		else
			api_reply(request, json_pack("{s:s}", "invitation", prefix));
	}
	sodium_memzero(&search, sizeof search);
}
