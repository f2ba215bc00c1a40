/* How long chappe-store takes to accept a message, by where its recipient is: online, left without
 * a word (its session is there, nobody answers) or absent (no session). This program plays the
 * dataplane and all devices, so that nothing takes time but the store and its disk.
 *
 * usage: accept_times STORE DIRECTORY MESSAGES PER_S CROWD_PER_S
 *
 * MESSAGES go out at random moments, PER_S a second, each to a recipient drawn by lot; beside them
 * CROWD_PER_S frames a second to a thousand others, who are absent. Prints "sent WHOM NUMBER US"
 * and "accepted WHOM NUMBER US", as talk does. */
#include "soak_store.h"

#include "perf/store_end.h"
#include "soak_model.h"

#include <math.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum whom { ONLINE, LEFT, ABSENT, CROWD };
static const char *const names[] = { "online", "left", "absent" };

enum {
	WORKERS = 2,
	DEVICES = CROWD + 1000,
	PAUSE_US = 100,       /* between two looks at the rings */
	ANSWER_MAX_US = 4000, /* until `received` of who is online */
	ANSWERS_MAX = 4096,
	SESSION = 7,
	FRAME_BYTES = WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES,
	ATTACH_MS = 30000,
	END_US = 30000000,
};

/* A `received` that is on its way. */
struct answer {
	uint64_t due_us;
	struct wire_inner inner;
};

struct times {
	struct store_end end;
	uint8_t *whom; /* of each message */
	uint32_t messages, sent, accepted, crowd;
	uint64_t start_us;
	struct answer answers[ANSWERS_MAX];
	uint32_t answer_count;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void route_of(uint32_t device, uint8_t route[WIRE_ROUTE_BYTES])
{
	memset(route, 0x5a, WIRE_ROUTE_BYTES);
	memcpy(route, &device, sizeof device);
}

static uint32_t device_of(const struct wire_inner *inner)
{
	uint32_t device;

	memcpy(&device, inner->route, sizeof device);
	return device;
}

/* frame_id: the number of a message, or above all of them. */
static bool put(struct times *times, uint32_t device, uint64_t frame_id)
{
	static uint8_t frame[FRAME_BYTES];
	struct wire_inner *inner = (struct wire_inner *)frame;

	inner->kind = WIRE_STORED;
	inner->frame_id = put64(frame_id);
	route_of(device, inner->route);
	return store_end_put(&times->end, (uint32_t)frame_id % WORKERS, SHARE_STORED, device,
		SESSION, frame, sizeof frame);
}

static void send_message(struct times *times)
{
	const uint32_t whom = randombytes_uniform(CROWD), number = times->sent;

	times->whom[number] = (uint8_t)whom;
	printf("sent %s %u %lu\n", names[whom], number, (unsigned long)now_us());
	if (!put(times, whom, number))
		model_fail("the ring is full");
	times->sent++;
}

static void answer(struct times *times, const struct share_down *record)
{
	struct answer *answer = &times->answers[times->answer_count];

	if (times->answer_count == ANSWERS_MAX)
		model_fail("too much is delivered at once");
	memcpy(&answer->inner, record->frame, sizeof answer->inner);
	answer->inner.kind = WIRE_RECEIVED;
	answer->due_us = now_us() + randombytes_uniform(ANSWER_MAX_US);
	times->answer_count++;
}

static void take_all(struct times *times)
{
	struct share_down record;

	while (store_end_take(&times->end, &record)) {
		const struct wire_inner *inner = (const struct wire_inner *)record.frame;
		const uint64_t number = get64(inner->frame_id);
		const uint32_t device = device_of(inner);
		if (record.kind == SHARE_SEND && number < times->messages) {
			printf("accepted %s %lu %lu\n", names[times->whom[number]],
				(unsigned long)number, (unsigned long)now_us());
			times->accepted++;
		} else if (record.kind == SHARE_DELIVER && device == ONLINE) {
			answer(times, &record);
		} else if (record.kind == SHARE_DELIVER && device != LEFT) {
			(void)store_end_tell(&times->end, SHARE_OFFLINE, device, NULL);
		}
	}
}

static void send_answers(struct times *times, uint64_t now)
{
	for (uint32_t i = 0; i < times->answer_count;) {
		const struct answer *answer = &times->answers[i];
		if (answer->due_us > now || !store_end_put(&times->end, 0, SHARE_RECEIVED, ONLINE,
						    SESSION, &answer->inner, sizeof answer->inner))
			i++;
		else
			times->answers[i] = times->answers[--times->answer_count];
	}
}

static void send_crowd(struct times *times, uint64_t now, double per_s)
{
	const double wanted = (double)(now - times->start_us) * per_s / 1e6;

	for (; (double)times->crowd < wanted; times->crowd++)
		if (!put(times, CROWD + times->crowd % (DEVICES - CROWD),
			    UINT32_MAX + (uint64_t)times->crowd))
			return; /* the store is behind: later */
}

/* Exponential: at any moment the next one is as likely as at any other. */
static uint64_t until_next_us(double per_s)
{
	return (uint64_t)(-log((randombytes_random() + 1.0) / 4294967296.0) * 1e6 / per_s);
}

static void play(struct times *times, double per_s, double crowd_per_s)
{
	uint64_t now = now_us(), next = now + 500000, latest = 0;

	times->start_us = now;
	while (times->accepted < times->messages) {
		now = now_us();
		for (; times->sent < times->messages && next <= now; next += until_next_us(per_s))
			send_message(times);
		if (times->sent < times->messages)
			send_crowd(times, now, crowd_per_s);
		send_answers(times, now);
		store_end_ring(&times->end);
		usleep(PAUSE_US);
		store_end_wait(&times->end, 0);
		take_all(times);
		if (times->sent < times->messages)
			latest = now + END_US;
		else if (now > latest)
			model_fail("%u of %u messages were accepted", times->accepted,
				times->messages);
	}
}

int main(int argc, char **argv)
{
	static struct times times;

	if (argc != 6 || sodium_init() < 0) {
		fprintf(stderr, "usage: accept_times STORE DIRECTORY MESSAGES PER_S CROWD_PER_S\n");
		return 2;
	}
	struct soak_store store = { .program = argv[1], .directory = argv[2] };
	times.messages = (uint32_t)strtoul(argv[3], NULL, 10);
	times.whom = calloc(times.messages, 1);
	if (times.whom == NULL || store_end_open(&times.end, store.directory, WORKERS, DEVICES) < 0)
		model_fail("%s: no rings", store.directory);
	soak_configure(&store);
	soak_start(&store);
	if (store_end_accept(&times.end, ATTACH_MS) < 0)
		model_fail("the store does not connect");
	for (uint32_t device = ONLINE; device <= LEFT; device++)
		(void)store_end_tell(&times.end, SHARE_ONLINE, device, NULL);
	play(&times, strtod(argv[4], NULL), strtod(argv[5], NULL));
	kill(store.pid, SIGTERM);
	waitpid(store.pid, NULL, 0);
	store_end_close(&times.end);
	free(times.whom);
	return 0;
}
