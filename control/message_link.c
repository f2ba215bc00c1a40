#include "message_link.h"
#include "channel.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct question {
	TAILQ_ENTRY(question) next;
	struct message_link *link;
	struct event *timeout;
	message_link_done *done; /* NULL: the asker was told, or wants nothing any more */
	void *arg;
	struct admin_request request;
};

struct line {
	bool sent; /* the first question is with the store */
	TAILQ_HEAD(questions, question) questions;
};

/* A copy takes minutes: what is asked meanwhile goes past it. */
enum { LINE_SHORT, LINE_BACKUP, LINES };

struct message_link {
	const struct message_link_calls *calls;
	void *arg;
	struct event_base *base;
	struct channel *channel;
	uint32_t count;
	struct line lines[LINES];
};

static struct line *line_of(struct message_link *link, uint32_t op)
{
	return &link->lines[op == ADMIN_BACKUP || op == ADMIN_BACKUP_END ? LINE_BACKUP
									 : LINE_SHORT];
}

static void end(struct question *question)
{
	event_free(question->timeout);
	/* Routes that are gone are in them. */
	sodium_memzero(question, sizeof *question);
	free(question);
}

/* Tells the asker and forgets who it was. */
static void tell(struct question *question, int error, const struct admin_reply *reply)
{
	message_link_done *done = question->done;

	question->done = NULL;
	evtimer_del(question->timeout);
	if (done)
		done(question->arg, error, reply);
}

static void take(struct message_link *link, struct question *question)
{
	TAILQ_REMOVE(&line_of(link, question->request.op)->questions, question, next);
	link->count--;
}

static void send_first(struct message_link *link, struct line *line)
{
	const struct question *first = TAILQ_FIRST(&line->questions);

	/* When the socket is full, on_writable() comes; when it broke, on_down(). */
	if (!line->sent && first)
		line->sent =
			channel_send(link->channel, &first->request, sizeof first->request) == 0;
}

/* The reply to a question that was sent will still come: it keeps its place until then. */
static void give_up(struct message_link *link, struct question *question, int error)
{
	const struct line *line = line_of(link, question->request.op);
	const bool sent = line->sent && TAILQ_FIRST(&line->questions) == question;

	if (!sent)
		take(link, question);
	tell(question, error, NULL);
	if (!sent)
		end(question);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct question *question = arg;

	(void)fd;
	(void)what;
	give_up(question->link, question, -ETIMEDOUT);
}

static int on_message(void *arg, const uint8_t *bytes, size_t len)
{
	struct message_link *link = arg;
	const struct admin_reply *reply = (const struct admin_reply *)bytes;

	if (len != sizeof *reply || reply->result > 0 ||
		memchr(reply->text, '\0', sizeof reply->text) == NULL)
		return -EBADMSG;
	struct line *line = line_of(link, reply->op);
	struct question *question = TAILQ_FIRST(&line->questions);
	if (!line->sent || reply->op != question->request.op)
		return -EBADMSG;
	take(link, question);
	line->sent = false;
	tell(question, 0, reply);
	end(question);
	send_first(link, line);
	return 0;
}

static void end_line(struct message_link *link, struct line *line, int error)
{
	struct question *question;

	line->sent = false;
	while ((question = TAILQ_FIRST(&line->questions)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
		give_up(link, question, error);
}

static void end_all(struct message_link *link, int error)
{
	for (struct line *line = link->lines; line < link->lines + LINES; line++)
		end_line(link, line, error);
}

static void on_up(void *arg)
{
	const struct message_link *link = arg;

	link->calls->up(link->arg);
}

static void on_down(void *arg)
{
	struct message_link *link = arg;

	end_all(link, -ENOTCONN);
	link->calls->down(link->arg);
}

static void on_writable(void *arg)
{
	struct message_link *link = arg;

	for (struct line *line = link->lines; line < link->lines + LINES; line++)
		send_first(link, line);
}

static const struct channel_calls channel_calls = {
	.up = on_up,
	.down = on_down,
	.message = on_message,
	.writable = on_writable,
};

int message_link_create(struct message_link **created, struct event_base *base, const char *path,
	const struct message_link_calls *calls, void *arg)
{
	struct message_link *link = calloc(1, sizeof *link);

	*created = NULL;
	if (!link)
		return -ENOMEM;
	link->calls = calls;
	link->arg = arg;
	link->base = base;
	for (struct line *line = link->lines; line < link->lines + LINES; line++)
		TAILQ_INIT(&line->questions);
	const int result = channel_create(
		&link->channel, base, path, "admin", "chappe-store", 2, &channel_calls, link);
	if (result < 0)
		free(link);
	else
		*created = link;
	return result;
}

void message_link_destroy(struct message_link *link)
{
	if (!link)
		return;
	channel_destroy(link->channel);
	link->channel = NULL;
	end_all(link, -ECANCELED);
	free(link);
}

bool message_link_is_up(const struct message_link *link)
{
	return link->channel && channel_is_up(link->channel);
}

int message_link_ask(struct message_link *link, const struct admin_request *request,
	uint32_t wait_ms, message_link_done *done, void *arg)
{
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
	struct question *question;

	if (!message_link_is_up(link))
		return -ENOTCONN;
	if (link->count == MESSAGE_LINK_LINE)
		return -ENOBUFS;
	question = calloc(1, sizeof *question);
	if (!question)
		return -ENOMEM;
	question->timeout = evtimer_new(link->base, on_timeout, question);
	if (!question->timeout) {
		free(question);
		return -ENOMEM;
	}
	question->link = link;
	question->done = done;
	question->arg = arg;
	question->request = *request;
	question->request.version = ADMIN_VERSION;
	evtimer_add(question->timeout, &wait);
	struct line *line = line_of(link, request->op);
	TAILQ_INSERT_TAIL(&line->questions, question, next);
	link->count++;
	send_first(link, line);
	return 0;
}

static void forget_in(struct message_link *link, struct line *line, const void *arg)
{
	struct question *question, *next;

	for (question = TAILQ_FIRST(&line->questions); question; question = next) {
		next = TAILQ_NEXT(question, next);
		if (question->arg != arg)
			continue;
		question->done = NULL;
		give_up(link, question, 0);
	}
}

void message_link_forget(struct message_link *link, const void *arg)
{
	for (struct line *line = link->lines; line < link->lines + LINES; line++)
		forget_in(link, line, arg);
}
