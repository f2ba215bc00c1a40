#include "src/cli/handover.h"
#include "src/cli/handover_client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = CLI_WATCH_MAX - 1 };

struct handover {
	struct cli *cli;
	struct cli_watch watch;
	int dir, listener;
	struct handover_client clients[CLIENTS_MAX];
};

static void answer(struct handover_client *client, enum chappe_error error)
{
	(void)handover_client_tell(client, error);
	handover_client_drop(client);
}

static bool nobody_waits(const struct handover *handover)
{
	for (int k = 0; k < CLIENTS_MAX; k++)
		if (handover->clients[k].complete)
			return false;
	return true;
}

/* ---- Messages of others ---- */

static enum chappe_error try_to_queue(
	const struct handover *handover, struct handover_client *client)
{
	enum chappe_error error =
		cli_queue(handover->cli, client->name, client->body + client->head.name_len,
			client->head.data_len, &client->head.sending, &client->sent);

	return error == CHAPPE_ERR_CONTACT_NOT_READY ? CHAPPE_OK : error;
}

static void take_message(const struct handover *handover, struct handover_client *client)
{
	enum chappe_error error = try_to_queue(handover, client);

	if (!handover_client_tell(client, client->sent.queued ? HANDOVER_QUEUED : HANDOVER_WAITS)) {
		handover_client_drop(client); /* the message goes on */
		return;
	}
	client->complete = true;
	if (error)
		answer(client, error);
}

static enum chappe_error why_late(
	const struct handover *handover, const struct handover_client *client)
{
	return cli_sent_late(handover->cli, &client->sent, &client->head.sending);
}

void handover_event(struct handover *handover, const struct chappe_event *event)
{
	for (int k = 0; handover && k < CLIENTS_MAX; k++) {
		struct handover_client *client = &handover->clients[k];
		if (!client->complete || !event->contact ||
			strcmp(client->name, event->contact) != 0)
			continue;
		cli_sent_note(&client->sent, event);
		if (event->type == CHAPPE_EVENT_CONTACT_READY && !client->sent.queued) {
			enum chappe_error error = try_to_queue(handover, client);
			if (error)
				answer(client, error);
		} else if (client->sent.refused)
			answer(client, CHAPPE_ERR_NOT_ACCEPTED);
		else if (cli_sent_done(&client->sent, &client->head.sending))
			answer(client, CHAPPE_OK);
	}
}

/* ---- The directory for others ---- */

/* Until the borrower has ended: while it has the directory, there is nothing to do here. */
static void lend_to(const struct handover *handover, struct handover_client *client)
{
	struct pollfd returned = { .fd = client->fd, .events = POLLIN };
	bool lent;

	cli_close(handover->cli);
	lent = handover_client_tell(client, HANDOVER_LENT);
	while (lent && !cli_interrupted() && !handover_client_gone(client))
		cli_poll(&returned, 1, -1);
	handover_client_drop(client);
	cli_reopen(handover->cli);
}

/* Not before the messages of others have their outcome: the events that tell of it come to the
 * process that has the directory. */
static void lend(struct handover *handover)
{
	for (int k = 0; k < CLIENTS_MAX && handover->cli->chappe; k++)
		if (handover->clients[k].wants_to_borrow && nobody_waits(handover))
			lend_to(handover, &handover->clients[k]);
}

static bool somebody_wants_to_borrow(const struct handover *handover)
{
	for (int k = 0; k < CLIENTS_MAX; k++)
		if (handover->clients[k].wants_to_borrow)
			return true;
	return false;
}

/* ---- Those who come ---- */

static void accept_client(struct handover *handover)
{
	int fd = accept4(handover->listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; i < CLIENTS_MAX && fd >= 0; i++)
		if (handover->clients[i].fd < 0) {
			handover->clients[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void serve_client(const struct handover *handover, struct handover_client *client)
{
	if (client->complete || client->wants_to_borrow) {
		if (handover_client_gone(client))
			handover_client_drop(client);
	} else if (handover_client_read(client)) {
		take_message(handover, client);
	}
}

/* ---- What cli's loop calls ---- */

/* While somebody wants to borrow, no more messages are taken: they would keep him waiting. */
static int fill(void *context, struct pollfd *fds)
{
	const struct handover *handover = context;
	bool only_waiting = somebody_wants_to_borrow(handover);
	int count = 0;

	if (handover->listener >= 0)
		fds[count++] = (struct pollfd){ .fd = handover->listener, .events = POLLIN };
	for (int i = 0; i < CLIENTS_MAX; i++) {
		const struct handover_client *client = &handover->clients[i];
		bool waiting = client->complete || client->wants_to_borrow;
		if (client->fd >= 0 && (waiting || !only_waiting))
			fds[count++] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
	}
	return count;
}

static void expire(const struct handover *handover, struct handover_client *client)
{
	if (cli_now_ms() < client->until_ms)
		return;
	if (client->complete)
		answer(client, why_late(handover, client));
	else if (client->wants_to_borrow)
		handover_client_drop(client);
}

static void ready(void *context, const struct pollfd *fds, int count)
{
	struct handover *handover = context;

	for (int i = 0; i < count; i++) {
		if (!fds[i].revents)
			continue;
		if (fds[i].fd == handover->listener)
			accept_client(handover);
		for (int k = 0; k < CLIENTS_MAX; k++)
			if (handover->clients[k].fd == fds[i].fd)
				serve_client(handover, &handover->clients[k]);
	}
	for (int k = 0; k < CLIENTS_MAX; k++)
		expire(handover, &handover->clients[k]);
	lend(handover);
}

static int64_t deadline_ms(void *context)
{
	const struct handover *handover = context;
	int64_t until = INT64_MAX;

	for (int k = 0; k < CLIENTS_MAX; k++) {
		const struct handover_client *client = &handover->clients[k];
		if ((client->complete || client->wants_to_borrow) && client->until_ms < until)
			until = client->until_ms;
	}
	return until;
}

/* ---- Beginning and end ---- */

struct handover *handover_start(struct cli *cli)
{
	struct handover *handover = calloc(1, sizeof *handover);

	if (!handover)
		return NULL;
	handover->cli = cli;
	for (int k = 0; k < CLIENTS_MAX; k++)
		handover->clients[k].fd = -1;
	handover->listener = handover_listen(cli->directory, &handover->dir);
	if (handover->listener < 0) {
		free(handover);
		return NULL;
	}
	handover->watch = (struct cli_watch){
		.context = handover, .fill = fill, .ready = ready, .deadline_ms = deadline_ms
	};
	cli->watch = &handover->watch;
	return handover;
}

static bool all_have_their_outcome(const struct cli *cli)
{
	return nobody_waits(cli->watch->context);
}

void handover_finish(struct handover *handover)
{
	if (!handover)
		return;
	handover_unlisten(handover->listener, handover->dir);
	handover->listener = handover->dir = -1;
	for (int k = 0; k < CLIENTS_MAX; k++)
		if (!handover->clients[k].complete)
			handover_client_drop(&handover->clients[k]); /* it tries again by itself */
	if (handover->cli->chappe)
		(void)cli_wait(handover->cli, all_have_their_outcome, -1, CHAPPE_OK);
	for (int k = 0; k < CLIENTS_MAX; k++)
		if (handover->clients[k].complete)
			answer(&handover->clients[k], why_late(handover, &handover->clients[k]));
	handover->cli->watch = NULL;
	free(handover);
}
