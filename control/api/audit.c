#include "audit.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

void api_audit_who(int fd, struct api_who *who)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	*who = (struct api_who){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof peer)
		*who = (struct api_who){
			.known = true, .pid = peer.pid, .uid = peer.uid, .gid = peer.gid
		};
}

static void name_who(const struct api_who *who, char *text, size_t size)
{
	char buffer[1024];
	struct passwd user, *found = NULL;
	if (!who->known) {
		snprintf(text, size, "unknown");
		return;
	}
	getpwuid_r(who->uid, &user, buffer, sizeof buffer, &found);
	snprintf(text, size, "%.32s uid=%u gid=%u pid=%d", found != NULL ? found->pw_name : "?",
		who->uid, who->gid, who->pid);
}

static int add(struct api_request *request, const char *outcome)
{
	char who[96];
	name_who(&request->who, who, sizeof who);
	return store_audit_add(
		control_store(request->control), time(NULL), who, request->what, outcome);
}

void api_audit_limit(struct api_request *request, const char *name, const struct api_limit *limit)
{
	char *text = request->what;
	const size_t used = strlen(text), size = sizeof request->what;
	if (!limit->given)
		return;
	if (limit->value == STORE_LIMIT_DEFAULT)
		snprintf(text + used, size - used, " %s=default", name);
	else
		snprintf(text + used, size - used, " %s=%lld", name, (long long)limit->value);
}

int api_audit_begin(struct api_request *request)
{
	const int r = add(request, "ok");
	request->audited = r == 0;
	if (r != 0)
		store_rollback(control_store(request->control));
	return r;
}

void api_audit_undo(struct api_request *request)
{
	store_rollback(control_store(request->control));
	request->audited = false;
}

void api_audit_write(struct api_request *request)
{
	struct store *store = control_store(request->control);
	if (request->what[0] == '\0' || request->audited)
		return;
	int r = add(request, request->error != NULL ? request->error : "ok");
	if (r == 0)
		r = store_commit(store);
	if (r == 0)
		return;
	store_rollback(store);
	api_fail(request, API_INTERNAL,
		"%s, but the audit log could not be written: %s. Look at the disk of the state "
		"directory",
		request->error != NULL ? "this was refused" : "this was done", strerror(-r));
}

static int add_entry(void *arg, const struct store_audit *audit)
{
	json_t *entries = arg;
	json_array_append_new(
		entries, json_pack("{s:I,s:o,s:s,s:s,s:s}", "row", (json_int_t)audit->row, "at",
				 api_time_json(audit->at_s), "who", audit->who, "what", audit->what,
				 "outcome", audit->outcome));
	return 0;
}

void api_audit_get(struct api_request *request)
{
	struct store *store = control_store(request->control);
	struct store_counts counts;
	uint64_t limit = API_PAGE_MAX, after = UINT64_MAX;
	if (!api_query_number(request, "limit", 1, API_PAGE_MAX, &limit) ||
		!api_query_number(request, "after", 0, INT64_MAX, &after))
		return;
	/* Without a cursor: the newest. Rows are numbered from 1 and never deleted. */
	int r = after == UINT64_MAX ? store_counts(store, time(NULL), &counts) : 0;
	if (r == 0 && after == UINT64_MAX)
		after = counts.audits > limit ? counts.audits - limit : 0;
	json_t *entries = json_array();
	if (r == 0)
		r = store_audits_after(store, after, (uint32_t)limit, add_entry, entries);
	if (r != 0) {
		json_decref(entries);
		api_fail_errno(request, r, "reading the audit log");
		return;
	}
	const size_t n = json_array_size(entries);
	const json_t *last =
		n == limit ? json_object_get(json_array_get(entries, n - 1), "row") : NULL;
	char next[24];
	snprintf(next, sizeof next, "%lld", (long long)json_integer_value(last));
	api_reply(request,
		json_pack("{s:o,s:s?}", "entries", entries, "next", last != NULL ? next : NULL));
}
