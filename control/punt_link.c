#include "punt_link.h"
#include "channel.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>

/* Messages that wait for the end of the turn. */
enum { PUNT_OUT_RECORDS = 8 * PUNT_RECORDS_MAX };

struct punt_link {
	const struct punt_link_calls *calls;
	void *arg;
	uint64_t *lost;
	struct channel *channel;
	struct event *flush;
	uint32_t count;
	struct punt_record out[PUNT_OUT_RECORDS];
};

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct punt_link *link = arg;
	uint32_t sent = 0;

	(void)fd;
	(void)what;
	while (sent < link->count) {
		uint32_t n = link->count - sent;
		if (n > PUNT_RECORDS_MAX)
			n = PUNT_RECORDS_MAX;
		if (channel_send(link->channel, &link->out[sent], n * sizeof *link->out) < 0)
			*link->lost += n;
		sent += n;
	}
	sodium_memzero(link->out, link->count * sizeof *link->out);
	link->count = 0;
}

struct punt_record *punt_link_add(struct punt_link *link)
{
	if (!channel_is_up(link->channel) || link->count == PUNT_OUT_RECORDS) {
		(*link->lost)++;
		return NULL;
	}
	event_active(link->flush, EV_TIMEOUT, 0);
	return &link->out[link->count++];
}

static int on_message(void *arg, const uint8_t *bytes, size_t len)
{
	struct punt_link *link = arg;
	const struct punt_record *records = (const struct punt_record *)bytes;

	if (punt_message_check(records, len, true) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < len / sizeof *records; i++)
		link->calls->record(link->arg, &records[i]);
	return 0;
}

static void on_turn(void *arg)
{
	struct punt_link *link = arg;

	link->calls->turn(link->arg);
}

static const struct channel_calls channel_calls = {
	.message = on_message,
	.turn = on_turn,
};

int punt_link_create(struct punt_link **created, struct event_base *base, const char *path,
	const struct punt_link_calls *calls, void *arg, uint64_t *lost)
{
	struct punt_link *link = calloc(1, sizeof *link);
	int result = -ENOMEM;

	*created = NULL;
	if (!link)
		return -ENOMEM;
	link->calls = calls;
	link->arg = arg;
	link->lost = lost;
	link->flush = event_new(base, -1, 0, on_flush, link);
	if (link->flush)
		result = channel_create(&link->channel, base, path, "punt", "the dataplane", 1,
			&channel_calls, link);
	if (result < 0)
		punt_link_destroy(link);
	else
		*created = link;
	return result;
}

void punt_link_destroy(struct punt_link *link)
{
	if (!link)
		return;
	channel_destroy(link->channel);
	if (link->flush)
		event_free(link->flush);
	sodium_memzero(link->out, sizeof link->out);
	free(link);
}
