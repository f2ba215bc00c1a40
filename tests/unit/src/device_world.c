#include "device_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Storage ---- */

static struct world_value *find(struct world_device *d, const char *key)
{
	for (int i = 0; i < WORLD_VALUES; i++)
		if (d->values[i].used && strcmp(d->values[i].key, key) == 0)
			return &d->values[i];
	return NULL;
}

static ssize_t get(void *context, const char *key, void *value, size_t max)
{
	struct world_value *v = find(context, key);
	if (!v)
		return -ENOENT;
	if (v->len > max)
		return -EMSGSIZE;
	memcpy(value, v->bytes, v->len);
	return (ssize_t)v->len;
}

/* Whether a change reaches the disk. */
static bool is_seen(struct world_device *d)
{
	if (d->crashed)
		return false; /* the process is a ghost: nobody sees what it does now */
	if (d->crash_at >= 0 && (long)d->puts++ == d->crash_at) {
		d->crashed = true;
		d->world->relay->links[d->number].cut = true;
		return !d->crash_loses;
	}
	return true;
}

static void wipe(struct world_value *v)
{
	free(v->bytes);
	memset(v, 0, sizeof *v);
}

static int put(void *context, const char *key, const void *value, size_t len)
{
	struct world_device *d = context;
	struct world_value *v = find(d, key);
	if (d->fail_puts) {
		d->fail_puts -= d->fail_puts > 0;
		return -EIO;
	}
	if (d->fail_after && --d->fail_after == 0)
		return -EIO;
	if (!is_seen(d))
		return 0;
	for (int i = 0; i < WORLD_VALUES && !v; i++)
		if (!d->values[i].used)
			v = &d->values[i];
	assert_non_null(v);
	assert_true(len <= 65536);
	free(v->bytes);
	v->bytes = malloc(len ? len : 1);
	assert_non_null(v->bytes);
	v->used = true;
	v->len = len;
	snprintf(v->key, sizeof v->key, "%s", key);
	memcpy(v->bytes, value, len);
	return 0;
}

static int remove_value(void *context, const char *key)
{
	struct world_device *d = context;
	struct world_value *v = find(d, key);
	if (d->fail_puts)
		return -EIO;
	if (v && is_seen(d))
		wipe(v);
	return 0;
}

static int list(
	void *context, const char *prefix, void (*found)(void *, const char *), void *found_context)
{
	struct world_device *d = context;
	for (int i = 0; i < WORLD_VALUES; i++)
		if (d->values[i].used && strncmp(d->values[i].key, prefix, strlen(prefix)) == 0)
			found(found_context, d->values[i].key);
	return 0;
}

/* ---- Events ---- */

static void hash_of(const void *data, size_t len, uint8_t hash[16])
{
	crypto_generichash(hash, 16, data, len, NULL, 0);
}

static int on_event(void *context, const struct chappe_event *event)
{
	struct world_device *d = context;
	struct world_event *e = &d->events[d->event_count % WORLD_EVENTS];

	if (d->crashed)
		return -EIO;
	if (event->type == CHAPPE_EVENT_MESSAGE && d->put_off)
		return -EAGAIN;
	memset(e, 0, sizeof *e);
	e->type = event->type;
	e->state = event->state;
	e->error = event->error;
	e->message = event->message;
	snprintf(e->contact, sizeof e->contact, "%s", event->contact ? event->contact : "");
	snprintf(e->link, sizeof e->link, "%s", event->link ? event->link : "");
	e->len = event->len;
	hash_of(event->data, event->len, e->hash);
	d->event_count++;
	d->counts[event->type]++;
	return 0;
}

const struct world_event *world_last(const struct world_device *d, enum chappe_event_type type)
{
	for (unsigned int i = d->event_count; i-- > 0;)
		if (d->events[i % WORLD_EVENTS].type == type)
			return &d->events[i % WORLD_EVENTS];
	return NULL;
}

unsigned int world_got(const struct world_device *d, const void *data, size_t len)
{
	unsigned int count = 0;
	uint8_t hash[16];

	hash_of(data, len, hash);
	for (unsigned int i = 0; i < d->event_count && i < WORLD_EVENTS; i++)
		count += d->events[i].type == CHAPPE_EVENT_MESSAGE && d->events[i].len == len &&
			 memcmp(d->events[i].hash, hash, sizeof hash) == 0;
	return count;
}

void world_forget_events(struct world_device *d)
{
	d->event_count = 0;
	memset(d->counts, 0, sizeof d->counts);
}

/* ---- The world ---- */

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->relay = relay_peer_new();
	for (int i = 0; i < 3; i++) {
		w->device[i].world = w;
		w->device[i].number = i;
		w->device[i].crash_at = -1;
		w->device[i].invitation = relay_peer_invite(w->relay);
		world_open(&w->device[i]);
	}
	return w;
}

void world_free(struct world *w)
{
	for (int i = 0; i < 3; i++) {
		world_close(&w->device[i]);
		for (int n = 0; n < WORLD_VALUES; n++)
			free(w->device[i].values[n].bytes);
	}
	relay_peer_free(w->relay);
	free(w);
}

enum chappe_error world_try_open(struct world_device *d)
{
	struct chappe_storage storage = {
		.context = d, .get = get, .put = put, .remove = remove_value, .list = list
	};
	struct chappe_transport transport = relay_peer_transport(d->world->relay, d->number);
	struct chappe_clock clock = relay_peer_clock(d->world->relay);
	struct chappe_options options = { .size = sizeof options,
		.storage = &storage,
		.transport = &transport,
		.clock = &clock,
		.on_event = on_event,
		.context = d };

	assert_null(d->chappe);
	d->crashed = false;
	d->crash_at = -1;
	d->world->relay->links[d->number].cut = false;
	d->world->relay->links[d->number].count = 0;
	return chappe_open(&options, &d->chappe);
}

void world_open(struct world_device *d)
{
	assert_int_equal(world_try_open(d), CHAPPE_OK);
	if (chappe_joined(d->chappe))
		assert_int_equal(chappe_connect(d->chappe), CHAPPE_OK);
}

void world_close(struct world_device *d)
{
	chappe_close(d->chappe);
	d->chappe = NULL;
}

void world_kill(struct world_device *d)
{
	d->crashed = true; /* nothing that closing writes or sends is seen */
	d->world->relay->links[d->number].cut = true;
	world_close(d);
}

static bool settle(struct world *w)
{
	bool busy = relay_peer_deliver(w->relay);

	for (int i = 0; i < 3; i++) {
		struct world_device *d = &w->device[i];
		if (!d->chappe)
			continue;
		if (w->relay->links[i].count || chappe_deadline(d->chappe) <= w->relay->now_ns) {
			busy = true;
			chappe_process(d->chappe);
		}
	}
	return busy;
}

void world_run(struct world *w, uint64_t ns)
{
	uint64_t end = w->relay->now_ns + ns;

	for (;;) {
		uint64_t due;
		for (int turns = 0; settle(w); turns++)
			assert_true(turns < 100000); /* it spins */
		due = relay_peer_due(w->relay);
		for (int i = 0; i < 3; i++)
			if (w->device[i].chappe)
				due = device_earlier(due, chappe_deadline(w->device[i].chappe));
		if (due > end)
			break;
		w->relay->now_ns = due;
	}
	w->relay->now_ns = end;
}

void world_invitation(struct world_device *d, char text[LINK_TEXT_BYTES])
{
	const struct peer_device *device = &d->world->relay->devices[d->invitation];
	struct link link = { .kind = LINK_INVITE, .relay_count = 1 };

	strcpy(link.relays[0], "198.18.0.2:4460");
	memcpy(link.relay_key, d->world->relay->key.public, WIRE_KEY_BYTES);
	memcpy(link.invitation_id, device->invitation_id, sizeof link.invitation_id);
	memcpy(link.secret, device->psk, sizeof link.secret);
	assert_int_equal(link_format(&link, text), 0);
}

void world_join(struct world_device *d)
{
	char text[LINK_TEXT_BYTES];

	world_invitation(d, text);
	assert_int_equal(chappe_join(d->chappe, text), CHAPPE_OK);
	world_run(d->world, PEER_S);
	assert_int_equal(d->counts[CHAPPE_EVENT_JOINED], 1);
}

enum chappe_contact_state world_state(struct world_device *d, const char *name)
{
	struct chappe_contact contact;

	if (chappe_contact_get(d->chappe, name, &contact))
		return 0;
	return contact.state;
}

void world_pair(
	struct world_device *a, const char *b_name, struct world_device *b, const char *a_name)
{
	assert_int_equal(chappe_contact_new(a->chappe, b_name), CHAPPE_OK);
	world_run(a->world, PEER_S);
	const struct world_event *made = world_last(a, CHAPPE_EVENT_CONTACT_LINK);
	assert_non_null(made);
	assert_int_equal(chappe_contact_add(b->chappe, a_name, made->link), CHAPPE_OK);
	world_run(a->world, PEER_S);
	assert_int_equal(world_state(a, b_name), CHAPPE_CONTACT_READY);
	assert_int_equal(world_state(b, a_name), CHAPPE_CONTACT_READY);
}

int world_setup(void **state)
{
	*state = world_new();
	return 0;
}

int world_setup_pair(void **state)
{
	struct world *w = world_new();

	*state = w;
	world_join(&w->device[0]);
	world_join(&w->device[1]);
	world_pair(&w->device[0], "bob", &w->device[1], "alice");
	return 0;
}

int world_teardown(void **state)
{
	world_free(*state);
	return 0;
}

struct world *world_paired(void)
{
	void *w;

	(void)world_setup_pair(&w);
	world_run(w, 2 * PEER_S);
	return w;
}

uint64_t world_send_text(struct world_device *d, const char *to, const char *text)
{
	uint64_t number = 0;
	assert_int_equal(chappe_send(d->chappe, to, text, strlen(text), &number), CHAPPE_OK);
	return number;
}

uint64_t world_send_stored(struct world_device *d, const char *name, const void *data, size_t len)
{
	uint64_t number = 0;

	assert_int_equal(chappe_send_with(d->chappe, name, data, len, NULL, &number), CHAPPE_OK);
	return number;
}

bool world_accepted(const struct world_device *d, uint64_t number)
{
	const struct world_event *event = world_last(d, CHAPPE_EVENT_ACCEPTED);
	return event && event->message == number;
}

int world_values(const struct world_device *d, const char *prefix)
{
	int count = 0;

	for (int i = 0; i < WORLD_VALUES; i++)
		count +=
			d->values[i].used && strncmp(d->values[i].key, prefix, strlen(prefix)) == 0;
	return count;
}
