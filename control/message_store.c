#include "daemon/log.h"
#include "state.h"

#include <errno.h>
#include <stdio.h>

static void limits_in_force(const struct store_message_limits *own, struct admin_limits *limits)
{
	*limits = admin_limits_default();
#define X(field, least, most, otherwise, what)                                                     \
	if (own->field != STORE_LIMIT_DEFAULT)                                                     \
		limits->field = (__typeof__(limits->field))own->field;
	ADMIN_LIMITS(X)
#undef X
}

int control_message_limits(
	struct control *control, struct store_message_limits *own, struct admin_limits *limits)
{
	const int result = store_message_limits(control->store, own);

	if (result == 0)
		limits_in_force(own, limits);
	return result;
}

int control_message_limits_set(struct control *control, const struct store_message_limits *limits)
{
	int result = store_message_limits_set(control->store, control_now_s(), limits);

	if (result == 0)
		result = store_commit(control->store);
	else
		store_rollback(control->store);
	return result;
}

static void on_limits(void *arg, int error, const struct admin_reply *reply)
{
	(void)arg;
	if (error == 0 && reply->result < 0)
		log_error("the message store does not take its limits: %s", reply->text);
}

static void on_status(void *arg, int error, const struct admin_reply *reply)
{
	struct control *control = arg;
	struct message_store *messages = &control->messages;

	messages->asking = false;
	if (error < 0 || reply->result < 0)
		return;
	messages->status = reply->status;
	messages->status_s = control_now_s();
	if (reply->status.failed && !messages->complained)
		log_error("the message store's disk does not write: no stored message is accepted; "
			  "the log of chappe-store says why");
	messages->complained = reply->status.failed;
}

static void ask_status(struct control *control)
{
	const struct admin_request status = { .op = ADMIN_STATUS };
	struct message_store *messages = &control->messages;

	if (!messages->asking && message_link_ask(messages->link, &status,
					 1000 * CONTROL_MESSAGE_WAIT_S, on_status, control) == 0)
		messages->asking = true;
}

int control_message_limits_send(struct control *control, control_message_done *done, void *arg)
{
	struct admin_request set = { .op = ADMIN_LIMITS_SET };
	struct store_message_limits own;
	int result = control_message_limits(control, &own, &set.limits);

	if (result == 0)
		result = message_link_ask(
			control->messages.link, &set, 1000 * CONTROL_MESSAGE_WAIT_S, done, arg);
	return result;
}

static void on_up(void *arg)
{
	struct control *control = arg;
	struct message_store *messages = &control->messages;
	int result = store_message_store_seen(control->store);

	messages->connected_s = control_now_s();
	messages->erasures = (struct message_erasures){ 0 };
	if (result == 0)
		result = store_commit(control->store);
	else
		store_rollback(control->store);
	if (result == 0)
		result = control_message_limits_send(control, on_limits, control);
	if (result < 0)
		log_error("the message store gets no limits: %s", strerror(-result));
	ask_status(control);
	log_info("connected to the message store");
}

static void on_down(void *arg)
{
	struct control *control = arg;
	struct message_store *messages = &control->messages;

	messages->connected_s = messages->status_s = 0;
	messages->asking = messages->complained = false;
}

static const struct message_link_calls link_calls = { .up = on_up, .down = on_down };

int message_store_start(struct control *control)
{
	char path[CONFIG_PATH_BYTES + 32];

	snprintf(path, sizeof path, "%s/store-admin.sock", control->config->run_dir);
	return message_link_create(
		&control->messages.link, control->base, path, &link_calls, control);
}

void message_store_stop(struct control *control)
{
	message_link_destroy(control->messages.link);
	control->messages.link = NULL;
}

void message_store_second(struct control *control)
{
	if (!message_link_is_up(control->messages.link))
		return;
	ask_status(control);
	message_erase(control, true);
}

int control_message_ask(struct control *control, const struct admin_request *request,
	control_message_done *done, void *arg)
{
	return message_link_ask(
		control->messages.link, request, 1000 * CONTROL_MESSAGE_WAIT_S, done, arg);
}

void control_message_info(const struct control *control, struct control_message_info *info)
{
	const struct message_store *messages = &control->messages;

	*info = (struct control_message_info){
		.connected_s = messages->connected_s,
		.status_s = messages->status_s,
		.status = messages->status,
	};
}
