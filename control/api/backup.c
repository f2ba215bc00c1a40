/* /v1/backup: copies for who takes a backup, and their removal. */
#include "audit.h"
#include "store.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static void fail(struct api_request *request, int error, const char *text)
{
	if (error == -ENOTCONN)
		api_fail(request, API_STORE_DOWN,
			"the message store can't be copied: chappe-store is not connected. Start "
			"it, or back up without it (--without-store)");
	else if (error == -ETIMEDOUT)
		api_fail(request, API_STORE_TIMEOUT,
			"the message store can't be copied: chappe-store did not answer; its log "
			"may say why");
	else if (error == -ECANCELED)
		api_fail(request, API_STORE_DOWN, "chappe-control is stopping");
	else if (error == -ENOSPC)
		api_fail(request, API_FULL,
			"no room for a copy beside what is to be copied: %s; make room on the disk "
			"of the state directory",
			text);
	else
		api_fail(request, API_INTERNAL, "the copy can't be made: %s",
			*text != '\0' ? text : strerror(-error));
}

static void on_made(void *arg, int error, const char *text, const struct control_backup *made)
{
	struct api_request *request = arg;
	if (error != 0) {
		fail(request, error, text);
	} else {
		api_reply_created(
			request, json_pack("{s:o,s:s,s:s,s:s?}", "at", api_time_json(time(NULL)),
					 "control", made->control, "relay_key", made->key, "store",
					 made->messages[0] != '\0' ? made->messages : NULL));
	}
	api_audit_write(request);
	api_answered(request);
}

static void give_up(struct api_request *request)
{
	fail(request, -ETIMEDOUT, "");
	api_audit_write(request);
}

void api_backup_post(struct api_request *request)
{
	struct api_backup backup;
	char fault[API_FAULT_BYTES], since[API_TIME_BYTES];
	if (api_body_backup(request->body, request->body_len, &backup, fault) != 0) {
		api_fail(request, API_BAD_REQUEST, "%s", fault);
		return;
	}
	if (backup.without_store)
		snprintf(request->what, sizeof request->what, "backup without_store");
	const int64_t since_s = control_backup_since(request->control);
	if (since_s != 0 && !backup.discard) {
		api_fail(request, API_CONFLICT,
			"a backup was begun at %s and has not ended: let it end, or discard it "
			"(--discard); an interrupted one is discarded by itself after an hour",
			api_time(since_s, since));
		return;
	}
	if (since_s != 0)
		(void)control_backup_end(request->control, NULL, NULL);
	api_wait_for(request, API_BACKUP_WAIT_S, give_up);
	const int r = control_backup(request->control, !backup.without_store, on_made, request);
	if (r != 0)
		fail(request, r, "");
}

static void on_ended(void *arg, int error, const struct admin_reply *reply)
{
	struct api_request *request = arg;
	/* One that is gone removes its copy when it starts. */
	if (error == -ENOTCONN ||
		!api_store_refused(request, error, reply, "removing the copy of the messages"))
		api_reply(request, json_pack("{s:b}", "ended", 1));
	api_audit_write(request);
	api_answered(request);
}

void api_backup_delete(struct api_request *request)
{
	api_wait_for(request, API_BACKUP_WAIT_S, give_up);
	const int r = control_backup_end(request->control, on_ended, request);
	if (r == -ENOENT)
		api_fail(request, API_NOT_FOUND, "no backup has been begun");
	else if (r < 0)
		api_fail(request, API_INTERNAL,
			"the copies of the backup can't be removed: %s; the log of chappe-control "
			"names them: remove them, they hold secrets",
			strerror(-r));
	else if (r == 0)
		api_reply(request, json_pack("{s:b}", "ended", 1));
}
