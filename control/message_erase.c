/* Erasures: the message store erases what waits under routes that are gone (store.h). */
#include "daemon/log.h"
#include "state.h"

#include <sodium.h>

static void ask_next(struct control *control);

static void end_batch(struct message_erasures *erasures)
{
	sodium_memzero(erasures->batch, sizeof erasures->batch);
	erasures->running = false;
	erasures->count = erasures->next = 0;
}

static int forget_rows(struct control *control)
{
	struct message_erasures *erasures = &control->messages.erasures;
	uint64_t last;
	const int result = store_erasures_last(control->store, &last);

	for (int i = 0; i < MESSAGE_SETTLE_TURNS; i++)
		if (erasures->settled[i] > last)
			erasures->settled[i] = last;
	if (erasures->asked > last)
		erasures->asked = last;
	return result;
}

/* All of a batch is erased: its rows go with it, or it is remembered that they were asked for. */
static void finish(struct control *control)
{
	struct message_erasures *erasures = &control->messages.erasures;
	int result = 0;

	if (!erasures->final)
		erasures->asked = erasures->batch[erasures->count - 1].row;
	for (uint32_t i = 0; erasures->final && result == 0 && i < erasures->count; i++)
		result = store_erasure_delete(control->store, erasures->batch[i].row);
	if (result == 0)
		result = store_commit(control->store);
	else
		store_rollback(control->store);
	/* A row that is made now may get the number of one that is gone. */
	if (result == 0 && erasures->final)
		result = forget_rows(control);
	end_batch(erasures);
	/* After a failure the next second tries again. */
	if (result == 0)
		message_erase(control, false);
}

static void on_erased(void *arg, int error, const struct admin_reply *reply)
{
	struct control *control = arg;
	struct message_erasures *erasures = &control->messages.erasures;

	if (error == 0 && reply->result == 0) {
		COUNT(control, message_erasures);
		erasures->complained = false;
		erasures->next++;
		ask_next(control);
		return;
	}
	if (error == 0 && !erasures->complained)
		log_error("the message store does not erase what waits under a route that is gone: "
			  "%s; it is asked again",
			reply->text);
	erasures->complained = error == 0;
	end_batch(erasures);
}

static void ask_next(struct control *control)
{
	struct message_erasures *erasures = &control->messages.erasures;
	struct admin_request request = { .op = ADMIN_ROUTE_ERASE };

	if (erasures->next == erasures->count) {
		finish(control);
		return;
	}
	memcpy(request.route.route, erasures->batch[erasures->next].route,
		sizeof request.route.route);
	if (message_link_ask(control->messages.link, &request, 1000 * CONTROL_MESSAGE_WAIT_S,
		    on_erased, control) < 0)
		end_batch(erasures);
	sodium_memzero(&request, sizeof request);
}

/* How many rows of the batch are not above a row. */
static uint32_t rows_up_to(const struct message_erasures *erasures, uint64_t row)
{
	uint32_t count = 0;

	while (count < erasures->count && erasures->batch[count].row <= row)
		count++;
	return count;
}

static int load(struct control *control, uint64_t after)
{
	struct message_erasures *erasures = &control->messages.erasures;

	return store_erasures_after(
		control->store, after, erasures->batch, MESSAGE_ERASE_BATCH, &erasures->count);
}

static void turn_settled(struct control *control)
{
	struct message_erasures *erasures = &control->messages.erasures;
	uint64_t last = 0;

	if (control->sync.phase == SYNC_DONE && store_erasures_last(control->store, &last) < 0)
		last = 0;
	memmove(erasures->settled + 1, erasures->settled,
		sizeof erasures->settled - sizeof *erasures->settled);
	erasures->settled[0] = last;
	for (int i = 1; i < MESSAGE_SETTLE_TURNS; i++)
		if (last == 0)
			erasures->settled[i] = 0;
}

void message_erase(struct control *control, bool second)
{
	struct message_erasures *erasures = &control->messages.erasures;
	const uint64_t settled = erasures->settled[MESSAGE_SETTLE_TURNS - 1];
	int result;

	if (second)
		turn_settled(control);
	if (erasures->running)
		return;
	result = load(control, 0);
	erasures->count = rows_up_to(erasures, settled);
	erasures->final = erasures->count > 0;
	if (result == 0 && !erasures->final)
		result = load(control, erasures->asked);
	if (result < 0 || erasures->count == 0) {
		end_batch(erasures);
		return;
	}
	erasures->running = true;
	ask_next(control);
}
