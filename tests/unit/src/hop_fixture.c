#include "hop_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int save_attempt(void *context, uint64_t attempt)
{
	struct hop_fixture *f = context;
	if (f->save_error)
		return f->save_error;
	f->saved_attempt = attempt;
	f->saves++;
	f->inits_at_save = f->counters.handshakes_started;
	return 0;
}

static void take_frame(void *context, const struct wire_inner *inner, size_t payload_len)
{
	struct hop_fixture *f = context;
	(void)payload_len;
	f->frames++;
	f->last_frame_id = get64(inner->frame_id);
}

static void changed(void *context)
{
	(void)context;
}

int hop_setup(void **state)
{
	struct hop_fixture *f = aligned_alloc(64, (sizeof *f + 63) / 64 * 64);
	assert_non_null(f);
	memset(f, 0, sizeof *f);
	f->relay = relay_peer_new();
	f->link = &f->relay->links[0];
	f->transport = relay_peer_transport(f->relay, 0);
	f->device = relay_peer_invite(f->relay);
	memcpy(f->config.key, f->relay->key.public, WIRE_KEY_BYTES);
	memcpy(f->config.psk, f->relay->devices[f->device].psk, WIRE_KEY_BYTES);
	memcpy(f->config.invitation_id, f->relay->devices[f->device].invitation_id,
		WIRE_INVITATION_ID_BYTES);
	strcpy(f->config.names[0], "one:4460");
	f->config.name_count = 1;
	noise_generate(&f->config.identity);
	const struct device_hop_calls calls = {
		.context = f, .save_attempt = save_attempt, .frame = take_frame, .changed = changed
	};
	device_hop_init(&f->hop, &f->config, &f->transport, &calls, &f->counters);
	*state = f;
	return 0;
}

int hop_teardown(void **state)
{
	struct hop_fixture *f = *state;
	device_hop_wipe(&f->hop);
	relay_peer_free(f->relay);
	free(f);
	return 0;
}

void hop_settle(struct hop_fixture *f)
{
	uint8_t datagram[WIRE_LARGE_BYTES + 1];
	ssize_t n;
	do {
		while ((n = f->transport.receive(f->link, datagram, sizeof datagram)) >= 0)
			device_hop_receive(&f->hop, datagram, (size_t)n, f->relay->now_ns);
		device_hop_tick(&f->hop, f->relay->now_ns);
	} while (f->link->count || device_hop_deadline(&f->hop) <= f->relay->now_ns);
}

void hop_run_for(struct hop_fixture *f, uint64_t ns)
{
	uint64_t end = f->relay->now_ns + ns;
	hop_settle(f);
	for (;;) {
		uint64_t due = device_hop_deadline(&f->hop);
		if (due > end)
			break;
		f->relay->now_ns = due;
		hop_settle(f);
	}
	f->relay->now_ns = end;
}

void hop_connect(struct hop_fixture *f)
{
	device_hop_connect(&f->hop, f->relay->now_ns);
	hop_settle(f);
	assert_int_equal(f->hop.state, CHAPPE_STATE_CONNECTED);
}

int hop_send_live(struct hop_fixture *f)
{
	uint8_t inner[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES] = { WIRE_LIVE };
	return device_hop_send(&f->hop, inner, sizeof inner, f->relay->now_ns);
}

void hop_relay_sends(struct hop_fixture *f, struct peer_session *session, uint64_t frame_id)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES];
	} cell = { .inner = { .kind = WIRE_LIVE, .frame_id = put64(frame_id) } };
	relay_peer_send(f->relay, session, &cell, sizeof cell);
}
