#include "src/device/device.h"
#include "src/device/storage.h"
#include "src/device/udp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

enum { ACKNOWLEDGE_WITHIN_MAX_S = 3600 };

static uint64_t boottime_ns(void *context)
{
	struct timespec t;

	(void)context;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t device_now(const struct chappe *c)
{
	return c->clock.now_ns(c->clock.context);
}

int device_emit(struct chappe *c, struct chappe_event *event)
{
	event->state = c->hop.state;
	return c->on_event ? c->on_event(c->event_context, event) : 0;
}

void device_emit_error(struct chappe *c, const char *contact, enum chappe_error error)
{
	device_emit(c, &(struct chappe_event){
			       .type = CHAPPE_EVENT_ERROR, .error = error, .contact = contact });
}

static enum chappe_error open_storage(struct chappe *c, const struct chappe_options *options)
{
	int err;

	if (options->storage) {
		c->storage = *options->storage;
		return CHAPPE_OK;
	}
	if (!options->directory)
		return CHAPPE_ERR_USAGE;
	err = storage_dir_open(options->directory, &c->storage);
	switch (err) {
	case 0:
		return CHAPPE_OK;
	case -EBUSY:
		return CHAPPE_ERR_LOCKED;
	case -ENOMEM:
		return CHAPPE_ERR_NO_MEMORY;
	default:
		errno = -err;
		return CHAPPE_ERR_STORAGE;
	}
}

/* The options as far as the caller's version of the header has them. */
static struct chappe_options known_options(const struct chappe_options *given)
{
	struct chappe_options options = { 0 };

	memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
	return options;
}

static enum chappe_error open_handle(struct chappe *c, const struct chappe_options *options)
{
	enum chappe_error error = open_storage(c, options);

	if (options->transport)
		c->transport = *options->transport;
	if (error)
		return error;
	if (!options->transport && device_udp_open(&c->transport))
		return CHAPPE_ERR_INTERNAL;
	error = device_profile_load(c);
	return error ? error : device_contacts_load(c);
}

enum chappe_error chappe_open(const struct chappe_options *given, struct chappe **chappe)
{
	const struct chappe_options known = known_options(given), *options = &known;
	struct chappe *c;
	enum chappe_error error;

	*chappe = NULL;
	if (sodium_init() < 0)
		return CHAPPE_ERR_INTERNAL;
	/* Locked and left out of core files. It ends at the end of a page, so that a size that is a
	 * multiple of the alignment, as every size is, aligns the AES key schedules inside. */
	c = sodium_malloc(sizeof *c);
	if (!c)
		return CHAPPE_ERR_NO_MEMORY;
	memset(c, 0, sizeof *c);
	c->clock.now_ns = boottime_ns;
	if (options->clock)
		c->clock = *options->clock;
	c->on_event = options->on_event;
	c->event_context = options->context;
	c->acknowledge_within_s = options->acknowledge_within_s < ACKNOWLEDGE_WITHIN_MAX_S
					  ? options->acknowledge_within_s
					  : ACKNOWLEDGE_WITHIN_MAX_S;
	error = open_handle(c, options);
	if (error) {
		int why = errno;
		chappe_close(c);
		errno = why;
		return error;
	}
	*chappe = c;
	return CHAPPE_OK;
}

void chappe_close(struct chappe *c)
{
	struct chappe_storage storage;
	struct chappe_transport transport;

	if (!c)
		return;
	device_contacts_free(c);
	device_hop_wipe(&c->hop);
	storage = c->storage;
	transport = c->transport;
	sodium_free(c);
	if (transport.close)
		transport.close(transport.context);
	if (storage.close)
		storage.close(storage.context);
}

bool chappe_joined(const struct chappe *c)
{
	return c->joined;
}

/* ---- What the hop client calls ---- */

/* A new session, or one that speaks again: what was sent meanwhile may be lost. */
static void path_restored(struct chappe *c, uint64_t now_ns)
{
	c->path_sessions = c->counters.sessions;
	c->path_silent = false;
	if (!c->limits_known)
		device_control_limits(c);
	device_control_tick(c, now_ns, true);
	device_messages_restored(c, now_ns);
}

static void check_path(struct chappe *c, uint64_t now_ns)
{
	bool silent = c->hop.silent;

	if (c->counters.sessions != c->path_sessions || (c->path_silent && !silent))
		path_restored(c, now_ns);
	c->path_silent = silent;
}

static void take_frame(void *context, const struct wire_inner *inner, size_t payload_len)
{
	struct chappe *c = context;

	check_path(c, device_now(c)); /* before what waited for this is looked at */
	if (inner->kind == WIRE_CONTROL)
		device_control_frame(c, inner, payload_len);
	else if (inner->kind == WIRE_LIVE || inner->kind == WIRE_STORED)
		device_message_frame(c, inner, payload_len);
	else if (inner->kind == WIRE_ACCEPTED)
		device_message_accepted(c, inner);
	else
		c->counters.drop_inner++;
}

static void state_changed(void *context)
{
	struct chappe *c = context;

	device_emit(c, &(struct chappe_event){ .type = CHAPPE_EVENT_STATE, .error = c->hop.error });
}

void device_start_hop(struct chappe *c)
{
	const struct device_hop_calls calls = {
		.context = c,
		.save_attempt = device_profile_save_attempt,
		.frame = take_frame,
		.changed = state_changed,
	};

	device_hop_wipe(&c->hop);
	device_hop_init(&c->hop, &c->relay, &c->transport, &calls, &c->counters);
	c->hop_running = true;
	device_hop_connect(&c->hop, device_now(c));
}

enum chappe_error chappe_connect(struct chappe *c)
{
	if (!c->joined)
		return CHAPPE_ERR_NOT_JOINED;
	if (!c->hop_running)
		device_start_hop(c);
	return CHAPPE_OK;
}

/* ---- The event loop's side ---- */

int chappe_fd(const struct chappe *c)
{
	return c->transport.fd ? c->transport.fd(c->transport.context) : -1;
}

uint64_t chappe_deadline(const struct chappe *c)
{
	uint64_t due;

	if (!c->hop_running)
		return UINT64_MAX;
	due = device_hop_deadline(&c->hop);
	if (device_hop_ready(&c->hop, device_now(c))) {
		due = device_earlier(due, device_control_deadline(c));
		due = device_earlier(due, device_messages_deadline(c));
	}
	return due;
}

int chappe_timeout_ms(const struct chappe *c)
{
	uint64_t due = chappe_deadline(c), now_ns = device_now(c), ms;

	if (due == UINT64_MAX)
		return -1;
	if (due <= now_ns)
		return 0;
	ms = (due - now_ns + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void receive_burst(struct chappe *c)
{
	uint8_t datagram[WIRE_LARGE_BYTES + 1]; /* one more: a longer one does not pass as a cell */

	for (int i = 0; i < DEVICE_RECEIVE_BURST; i++) {
		ssize_t n = c->transport.receive(c->transport.context, datagram, sizeof datagram);
		if (n < 0)
			return;
		device_hop_receive(&c->hop, datagram, (size_t)n, device_now(c));
	}
}

void chappe_process(struct chappe *c)
{
	uint64_t now_ns;

	if (!c->hop_running || c->in_process)
		return;
	c->in_process = true;
	receive_burst(c);
	now_ns = device_now(c);
	device_hop_tick(&c->hop, now_ns);
	if (device_hop_ready(&c->hop, now_ns)) {
		check_path(c, now_ns);
		device_control_tick(c, now_ns, false);
		device_messages_tick(c, now_ns);
	}
	c->in_process = false;
	device_contacts_sweep(c);
}
