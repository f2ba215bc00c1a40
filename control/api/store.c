/* /v1/store: how the message store does, and its jobs. */
#include "store.h"
#include "audit.h"

#include <errno.h>
#include <time.h>

bool api_store_refused(
	struct api_request *request, int error, const struct admin_reply *reply, const char *doing)
{
	if (error == -ENOTCONN || error == -ECANCELED)
		api_fail(request, API_STORE_DOWN,
			"%s: chappe-store is not connected. Is it running (systemctl status "
			"chappe-store), with the same run_dir?",
			doing);
	else if (error == -ETIMEDOUT || error == -ENOBUFS)
		api_fail(request, API_STORE_TIMEOUT,
			"%s: chappe-store did not answer within %d s; its disk may be slow, or it "
			"hangs: its log may say why",
			doing, CONTROL_MESSAGE_WAIT_S);
	else if (error != 0)
		api_fail_errno(request, error, doing);
	else if (reply->result == -EBUSY || reply->result == -EALREADY)
		api_fail(request, API_CONFLICT, "%s: chappe-store says: %s", doing, reply->text);
	else if (reply->result != 0)
		api_fail(request, API_INTERNAL, "%s: chappe-store says: %s", doing, reply->text);
	else
		return false;
	return true;
}

static void give_up(struct api_request *request)
{
	api_store_refused(request, -ETIMEDOUT, NULL, "asking the message store");
	api_audit_write(request);
}

static void ask(struct api_request *request, enum admin_op op, control_message_done *done)
{
	const struct admin_request question = { .op = op };
	api_wait(request, NULL, NULL, give_up);
	const int r = control_message_ask(request->control, &question, done, request);
	if (r != 0)
		api_store_refused(request, r, NULL, "asking the message store");
}

static const char *job_text(uint8_t job)
{
	switch ((enum admin_job)job) {
	case ADMIN_JOB_NONE:
		return "none";
	case ADMIN_JOB_RUNNING:
		return "running";
	case ADMIN_JOB_DONE:
		return "done";
	case ADMIN_JOB_FAILED:
		return "failed";
	}
	return "unknown";
}

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *waiting_json(const struct admin_status *status)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "mailboxes", (json_int_t)status->mailboxes, "frames",
		(json_int_t)status->frames, "large_frames", (json_int_t)status->large, "bytes",
		(json_int_t)status->bytes);
}

static json_t *status_json(const struct admin_status *status)
{
	json_t *object = json_pack("{s:b,s:b,s:o}", "linked", status->linked, "failed",
		status->failed, "waiting", waiting_json(status));
	set(object, "accepted", status->accepted);
	set(object, "delivered", status->delivered);
	set(object, "repeated", status->repeated);
	set(object, "expired", status->expired);
	json_object_set_new(object, "refused",
		json_pack("{s:I,s:I,s:I,s:I}", "route", (json_int_t)status->refused_route, "device",
			(json_int_t)status->refused_device, "total",
			(json_int_t)status->refused_total, "failed",
			(json_int_t)status->refused_failed));
	json_object_set_new(object, "found_at_start",
		json_pack("{s:I,s:I,s:I}", "damaged", (json_int_t)status->damaged, "rebuilt",
			(json_int_t)status->rebuilt, "unreadable", (json_int_t)status->unreadable));
	json_object_set_new(object, "disk",
		json_pack("{s:I,s:I}", "used_bytes", (json_int_t)status->disk_used_bytes,
			"free_bytes", (json_int_t)status->disk_free_bytes));
	json_object_set_new(object, "commit",
		json_pack("{s:I,s:I}", "p50_us", (json_int_t)status->commit_p50_us, "p99_us",
			(json_int_t)status->commit_p99_us));
	set(object, "epochs", status->epochs);
	json_object_set_new(object, "verify",
		json_pack("{s:s,s:I,s:I}", "state", job_text(status->verify), "read",
			(json_int_t)status->verified, "unreadable",
			(json_int_t)status->verify_bad));
	json_object_set_new(
		object, "compact", json_pack("{s:s}", "state", job_text(status->compact)));
	return object;
}

json_t *api_store_summary(const struct control *control, int64_t now_s)
{
	struct control_message_info info;
	control_message_info(control, &info);
	const bool connected = info.connected_s != 0;
	/* Asked every second: one that is silent for longer than an answer may take hangs. */
	const bool answers = connected && info.status_s != 0 &&
			     now_s - info.status_s <= 2 * CONTROL_MESSAGE_WAIT_S;
	return json_pack("{s:b,s:b,s:I,s:b,s:b,s:o}", "connected", connected, "answers", answers,
		"connected_s", (json_int_t)(connected ? now_s - info.connected_s : 0), "linked",
		answers && info.status.linked, "failed", answers && info.status.failed, "waiting",
		answers ? waiting_json(&info.status) : json_null());
}

static void on_status(void *arg, int error, const struct admin_reply *reply)
{
	struct api_request *request = arg;
	struct control_message_info info;
	struct store_counts counts;
	if (!api_store_refused(request, error, reply, "asking the message store")) {
		json_t *object = status_json(&reply->status);
		control_message_info(request->control, &info);
		set(object, "connected_s", (uint64_t)(time(NULL) - info.connected_s));
		if (store_counts(control_store(request->control), time(NULL), &counts) == 0)
			set(object, "erasures_waiting", counts.erasures);
		api_reply(request, object);
	}
	api_answered(request);
}

void api_store_get(struct api_request *request)
{
	ask(request, ADMIN_STATUS, on_status);
}

static void on_job(void *arg, int error, const struct admin_reply *reply)
{
	struct api_request *request = arg;
	if (!api_store_refused(request, error, reply, "starting the job"))
		api_reply(request, json_pack("{s:s}", "state", job_text(ADMIN_JOB_RUNNING)));
	api_audit_write(request);
	api_answered(request);
}

static void start_job(struct api_request *request, enum admin_op op)
{
	char fault[API_FAULT_BYTES];
	if (api_body_none(request->body, request->body_len, fault) != 0) {
		api_fail(request, API_BAD_REQUEST, "%s", fault);
		return;
	}
	ask(request, op, on_job);
}

void api_store_verify(struct api_request *request)
{
	start_job(request, ADMIN_VERIFY);
}

void api_store_compact(struct api_request *request)
{
	start_job(request, ADMIN_COMPACT);
}
