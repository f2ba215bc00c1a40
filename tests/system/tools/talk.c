/* A messaging application for the system tests: one device that sends and receives at once, driven
 * by lines on standard input, written against libchappe's public header alone.
 *
 * usage: talk DIRECTORY NAME
 *
 *	send CONTACT COUNT BYTES INTERVAL_MS   queues COUNT live messages, one every INTERVAL_MS
 *	store CONTACT COUNT BYTES INTERVAL_MS  the same, to be stored by the relay
 *	fill TEXT                              messages repeat TEXT from now on
 *	status                                 prints "status STATE UNACKNOWLEDGED COUNTER=VALUE…"
 *	quit
 *
 * prints, one line an event: "state STATE ERROR", "ready CONTACT", "sent CONTACT N US",
 * "message CONTACT SENDER SERIAL BYTES" (its content is as sent), "damaged CONTACT SENDER SERIAL",
 * "accepted CONTACT N US", "not-accepted CONTACT N", "acked CONTACT N", "error …".
 *
 * A message is "SENDER SERIAL BYTES\n" and then a text repeated: what comes out is compared with
 * what went in without a second channel. */
#include "src/chappe.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX_BYTES = 128, LINE_MAX_BYTES = 1024, CONTACTS_MAX = 64 };

struct order {
	char contact[CHAPPE_NAME_MAX_BYTES + 1];
	enum chappe_kind kind;
	unsigned long left, serial;
	size_t bytes;
	uint64_t interval_ns, due_ns;
};

struct talk {
	struct chappe *chappe;
	const char *name;
	char fill[LINE_MAX_BYTES];
	struct order orders[CONTACTS_MAX];
	size_t orders_used;
	bool running;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Fills message with its head and the text, repeated from its first byte. */
static void compose(char *message, size_t bytes, const char *sender, unsigned long serial,
	const char *fill, size_t fill_bytes)
{
	char head[HEAD_MAX_BYTES];
	size_t head_bytes =
		(size_t)snprintf(head, sizeof(head), "%s %lu %zu\n", sender, serial, bytes);
	for (size_t i = 0; i < bytes; i++)
		message[i] = i < head_bytes ? head[i] : fill[(i - head_bytes) % fill_bytes];
}

static void print_message(const struct talk *talk, const struct chappe_event *event)
{
	char sender[65] = "", head[HEAD_MAX_BYTES];
	unsigned long serial = 0;
	size_t bytes = 0, len = event->len < sizeof(head) - 1 ? event->len : sizeof(head) - 1;
	memcpy(head, event->data, len);
	head[len] = 0;
	bool whole =
		sscanf(head, "%64s %lu %zu", sender, &serial, &bytes) == 3 && bytes == event->len;
	/* The text comes from the message itself unless it is short: all repetitions are equal to
	 * what this side was told to expect. */
	char *expected = whole ? malloc(bytes) : NULL;
	if (expected) {
		compose(expected, bytes, sender, serial, talk->fill, strlen(talk->fill));
		whole = memcmp(expected, event->data, bytes) == 0;
		free(expected);
	}
	printf("%s %s %s %lu %zu\n", whole ? "message" : "damaged", event->contact, sender, serial,
		event->len);
}

static const char *state_name(enum chappe_state state)
{
	static const char *const names[] = { "offline", "connecting", "connected", "waiting",
		"refused" };
	return names[state];
}

static int on_event(void *context, const struct chappe_event *event)
{
	const struct talk *talk = context;
	const char *contact = event->contact ? event->contact : "-";
	switch (event->type) {
	case CHAPPE_EVENT_STATE:
		printf("state %s %s\n", state_name(event->state), chappe_error_name(event->error));
		break;
	case CHAPPE_EVENT_MESSAGE:
		print_message(talk, event);
		break;
	case CHAPPE_EVENT_ACKNOWLEDGED:
		printf("acked %s %" PRIu64 "\n", contact, event->message);
		break;
	case CHAPPE_EVENT_ACCEPTED:
		printf("accepted %s %" PRIu64 " %" PRIu64 "\n", contact, event->message,
			now_ns() / 1000);
		break;
	case CHAPPE_EVENT_NOT_ACCEPTED:
		printf("not-accepted %s %" PRIu64 "\n", contact, event->message);
		break;
	case CHAPPE_EVENT_CONTACT_READY:
		printf("ready %s\n", contact);
		break;
	case CHAPPE_EVENT_ERROR:
		printf("error %s %s\n", contact, chappe_error_name(event->error));
		break;
	default:
		printf("event %d %s\n", (int)event->type, contact);
	}
	return 0;
}

static void print_status(const struct talk *talk)
{
	struct chappe_status status;
	chappe_get_status(talk->chappe, &status);
	printf("status %s %zu", state_name(status.state), status.unacknowledged);
#define X(name, help) printf(" " #name "=%" PRIu64, status.counters.name);
	CHAPPE_COUNTERS(X)
#undef X
	printf("\n");
}

/* A contact's serials go on from one order to the next. */
static void place_order(struct talk *talk, struct order *order)
{
	size_t i = 0;
	while (i < talk->orders_used && strcmp(talk->orders[i].contact, order->contact) != 0)
		i++;
	if (i == talk->orders_used)
		talk->orders_used++;
	else
		order->serial = talk->orders[i].serial;
	talk->orders[i] = *order;
}

static void obey(struct talk *talk, const char *line)
{
	struct order order = { 0 };
	unsigned long interval_ms;
	char kind[6];
	if (sscanf(line, "%5s %64s %lu %zu %lu", kind, order.contact, &order.left, &order.bytes,
		    &interval_ms) == 5 &&
		(strcmp(kind, "send") == 0 || strcmp(kind, "store") == 0) &&
		talk->orders_used < CONTACTS_MAX && order.bytes <= CHAPPE_MESSAGE_MAX_BYTES) {
		order.kind = strcmp(kind, "send") == 0 ? CHAPPE_LIVE : CHAPPE_STORED;
		order.interval_ns = interval_ms * 1000000u;
		place_order(talk, &order);
	} else if (strncmp(line, "fill ", 5) == 0 && line[5]) {
		snprintf(talk->fill, sizeof(talk->fill), "%s", line + 5);
	} else if (strcmp(line, "status") == 0) {
		print_status(talk);
	} else if (strcmp(line, "quit") == 0) {
		talk->running = false;
	} else {
		printf("error - what is \"%s\"\n", line);
	}
}

/* Queues what is due; a full queue is tried again. Returns nanoseconds until the next is. */
static uint64_t send_due(struct talk *talk)
{
	uint64_t now = now_ns(), wait = UINT64_MAX;
	for (size_t i = 0; i < talk->orders_used; i++) {
		struct order *order = &talk->orders[i];
		while (order->left && order->due_ns <= now) {
			char *message = malloc(order->bytes + 1);
			if (!message)
				exit(1);
			uint64_t number = 0;
			compose(message, order->bytes, talk->name, order->serial, talk->fill,
				strlen(talk->fill));
			const struct chappe_send_options options = { .size = sizeof(options),
				.kind = order->kind };
			enum chappe_error error = chappe_send_with(talk->chappe, order->contact,
				message, order->bytes, &options, &number);
			free(message);
			if (error == CHAPPE_ERR_BUSY) {
				order->due_ns = now + 5000000u;
				break;
			}
			if (error) {
				printf("error %s %s\n", order->contact, chappe_error_name(error));
				order->left = 0;
				break;
			}
			printf("sent %s %" PRIu64 " %" PRIu64 "\n", order->contact, number,
				now_ns() / 1000);
			order->left--;
			order->serial++;
			order->due_ns = now + order->interval_ns;
			if (order->interval_ns)
				break;
		}
		if (order->left) {
			uint64_t until = order->due_ns > now ? order->due_ns - now : 0;
			wait = until < wait ? until : wait;
		}
	}
	return wait;
}

/* Obeys the whole lines that are there. The input may end: the device stays. */
static bool read_input(struct talk *talk)
{
	static char buffer[LINE_MAX_BYTES];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, buffer + used, sizeof(buffer) - 1 - used);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	used += (size_t)n;
	buffer[used] = 0;
	char *start = buffer, *end;
	while ((end = strchr(start, '\n'))) {
		*end = 0;
		obey(talk, start);
		start = end + 1;
	}
	used -= (size_t)(start - buffer);
	memmove(buffer, start, used);
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: talk DIRECTORY NAME\n");
		return CHAPPE_ERR_USAGE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct talk talk = { .name = argv[2], .running = true };
	snprintf(talk.fill, sizeof(talk.fill), "the quick brown fox jumps over the lazy dog ");
	struct chappe_options options = { .size = sizeof(options),
		.directory = argv[1],
		.on_event = on_event,
		.context = &talk };
	enum chappe_error error = chappe_open(&options, &talk.chappe);
	if (!error)
		error = chappe_connect(talk.chappe);
	if (error) {
		fprintf(stderr, "talk: %s: %s\n", argv[1], chappe_strerror(error));
		chappe_close(talk.chappe);
		return (int)error;
	}
	struct pollfd fds[2] = { { .fd = chappe_fd(talk.chappe), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };
	while (talk.running) {
		uint64_t due_ns = send_due(&talk);
		int timeout_ms = chappe_timeout_ms(talk.chappe);
		if (due_ns != UINT64_MAX) {
			int due_ms = (int)(due_ns / 1000000u + 1);
			if (timeout_ms < 0 || due_ms < timeout_ms)
				timeout_ms = due_ms;
		}
		poll(fds, 2, timeout_ms);
		if (fds[1].revents && !read_input(&talk))
			fds[1].fd = -1;
		chappe_process(talk.chappe);
	}
	chappe_close(talk.chappe);
	return 0;
}
