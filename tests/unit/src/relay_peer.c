#include "relay_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- The network ---- */

void relay_peer_push(struct peer_link *link, const void *datagram, size_t len)
{
	struct peer_datagram *slot;

	if (!link->queue && !(link->queue = calloc(PEER_QUEUE, sizeof *link->queue)))
		abort();
	if (link->cut || link->count == PEER_QUEUE ||
		(int)randombytes_uniform(100) < link->loss_percent)
		return;
	slot = &link->queue[(link->head + link->count++) % PEER_QUEUE];
	slot->len = (uint16_t)len;
	memcpy(slot->bytes, datagram, len);
}

static int link_target(void *context, const char *relay, unsigned int nth)
{
	struct peer_link *link = context;

	if (nth > 0)
		return -ENOENT;
	snprintf(link->target, sizeof link->target, "%s", relay);
	link->targets_set++;
	return 0;
}

static int link_send(void *context, const void *datagram, size_t len)
{
	struct peer_link *link = context;
	const char *deaf = link->relay->deaf_target;

	if (link->cut_off &&
		(!link->cut_off_target || strcmp(link->cut_off_target, link->target) == 0))
		return -ENETUNREACH;
	if (link->cut || link->relay->down || (deaf && strcmp(deaf, link->target) == 0) ||
		(int)randombytes_uniform(100) < link->loss_percent)
		return 0;
	relay_peer_take(link, datagram, len);
	return 0;
}

static ssize_t link_receive(void *context, void *datagram, size_t max)
{
	struct peer_link *link = context;
	const struct peer_datagram *slot;
	size_t len;

	if (link->count == 0)
		return -EAGAIN;
	slot = &link->queue[link->head];
	len = slot->len < max ? slot->len : max;
	memcpy(datagram, slot->bytes, len);
	link->head = (link->head + 1) % PEER_QUEUE;
	link->count--;
	return (ssize_t)len;
}

static int link_fd(void *context)
{
	(void)context;
	return -1;
}

struct chappe_transport relay_peer_transport(struct relay_peer *relay, int link)
{
	return (struct chappe_transport){
		.context = &relay->links[link],
		.target = link_target,
		.send = link_send,
		.receive = link_receive,
		.fd = link_fd,
	};
}

static uint64_t clock_now(void *context)
{
	return ((struct relay_peer *)context)->now_ns;
}

struct chappe_clock relay_peer_clock(struct relay_peer *relay)
{
	return (struct chappe_clock){ .context = relay, .now_ns = clock_now };
}

/* ---- Life ---- */

struct relay_peer *relay_peer_new(void)
{
	struct relay_peer *relay = aligned_alloc(64, (sizeof *relay + 63) / 64 * 64);
	uint8_t fresh[32];

	if (sodium_init() < 0 || !relay)
		abort();
	memset(relay, 0, sizeof *relay);
	relay->now_ns = 1000 * PEER_S;
	noise_generate(&relay->key);
	mac_keys_derive(&relay->mac, relay->key.public);
	randombytes_buf(fresh, sizeof fresh);
	mac_cookie_rotate(&relay->cookie_secret, fresh);
	randombytes_buf(relay->reset_secret, sizeof relay->reset_secret);
	relay->boot = 1;
	relay->next_index = 0x1000;
	relay->suites = hop_suites();
	relay->status_times = -1;
	relay->store_takes = -1;
	relay->routes_max = 8;
	relay->soft_s = WIRE_SOFT_LIFETIME_S;
	relay->hard_s = WIRE_HARD_LIFETIME_S;
	relay->keepalive_s = WIRE_KEEPALIVE_S;
	for (int i = 0; i < PEER_LINKS; i++) {
		relay->links[i].relay = relay;
		relay->links[i].address = 100 + (uint32_t)i;
	}
	return relay;
}

void relay_peer_free(struct relay_peer *relay)
{
	for (int i = 0; i < PEER_LINKS; i++)
		free(relay->links[i].queue);
	free(relay->stored);
	free(relay);
}

int relay_peer_invite(struct relay_peer *relay)
{
	for (int i = 0; i < PEER_DEVICES; i++) {
		struct peer_device *device = &relay->devices[i];
		if (device->used)
			continue;
		device->used = true;
		randombytes_buf(device->psk, sizeof device->psk);
		randombytes_buf(device->invitation_id, sizeof device->invitation_id);
		return i;
	}
	abort();
}

void relay_peer_restart(struct relay_peer *relay)
{
	memset(relay->sessions, 0, sizeof relay->sessions);
	relay->boot++;
}

struct peer_session *relay_peer_session(struct relay_peer *relay, int device)
{
	struct peer_session *newest = NULL;

	for (int i = 0; i < PEER_SESSIONS; i++) {
		struct peer_session *s = &relay->sessions[i];
		if (s->used && s->confirmed && s->device == device &&
			(!newest || s->index > newest->index))
			newest = s;
	}
	return newest;
}

/* ---- Transport ---- */

void relay_peer_send(
	struct relay_peer *relay, struct peer_session *session, const void *inner, size_t len)
{
	uint8_t frame[WIRE_LARGE_BYTES];
	size_t frame_len = len + WIRE_TRANSPORT_OVERHEAD_BYTES;

	(void)relay;
	memcpy(frame + WIRE_TRANSPORT_HEADER_BYTES, inner, len);
	hop_seal(&session->send, session->peer_index, session->send_counter++, frame, frame_len);
	if (session->link->address == session->endpoint) /* else it goes to where nobody is */
		relay_peer_push(session->link, frame, frame_len);
}

static void answer_keepalive(
	struct relay_peer *relay, struct peer_session *session, const struct wire_inner *ask)
{
	uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES] = { 0 };
	struct wire_inner *inner = (struct wire_inner *)bytes;
	struct wire_keepalive *keepalive = (struct wire_keepalive *)inner->payload;
	const struct wire_keepalive *asked = (const struct wire_keepalive *)ask->payload;

	relay->counts.keepalives++;
	relay->last_keepalive_id = get64(ask->frame_id);
	relay->last_keepalive_had_token = asked->has_token;
	memcpy(relay->last_token, asked->token, sizeof relay->last_token);
	if (relay->lose_keepalive_answers > 0) {
		relay->lose_keepalive_answers--;
		return;
	}
	inner->kind = WIRE_KEEPALIVE;
	inner->frame_id = ask->frame_id;
	keepalive->what = WIRE_KEEPALIVE_ANSWER;
	relay_peer_send(relay, session, bytes, sizeof bytes);
}

/* A frame from a new address: traffic stays at the old one until the token comes back. */
static void check_endpoint(struct relay_peer *relay, struct peer_session *session,
	struct peer_link *link, const struct wire_inner *inner)
{
	const struct wire_keepalive *asked = (const struct wire_keepalive *)inner->payload;
	uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES] = { 0 };
	struct wire_inner *challenge = (struct wire_inner *)bytes;
	struct wire_keepalive *keepalive = (struct wire_keepalive *)challenge->payload;
	uint32_t before = session->endpoint;

	if (link->address == session->endpoint)
		return;
	if (inner->kind == WIRE_KEEPALIVE && asked->has_token &&
		memcmp(asked->token, session->token, sizeof session->token) == 0 &&
		session->candidate == link->address) {
		session->endpoint = link->address;
		relay->counts.moved++;
		return;
	}
	randombytes_buf(session->token, sizeof session->token);
	session->candidate = link->address;
	challenge->kind = WIRE_KEEPALIVE;
	keepalive->what = WIRE_KEEPALIVE_CHALLENGE;
	keepalive->has_token = 1;
	memcpy(keepalive->token, session->token, sizeof keepalive->token);
	relay->counts.challenges++;
	session->endpoint = link->address; /* for the challenge alone */
	relay_peer_send(relay, session, bytes, sizeof bytes);
	session->endpoint = before;
}

static void forward(struct relay_peer *relay, const struct wire_inner *inner, size_t len)
{
	const struct peer_route *route = relay_peer_route(relay, inner->route);
	struct peer_session *to = route ? relay_peer_session(relay, route->device) : NULL;

	if (!to)
		return;
	relay->counts.relayed++;
	relay_peer_send(relay, to, inner, len);
}

static void confirm(struct relay_peer *relay, struct peer_session *session)
{
	struct peer_device *device = &relay->devices[session->device];

	if (session->confirmed)
		return;
	session->confirmed = true;
	device->enrolled = true;
	if (session->attempt > device->highest_attempt)
		device->highest_attempt = session->attempt;
	relay->counts.confirmed++;
}

static void reset(struct relay_peer *relay, struct peer_link *link, uint8_t *frame, size_t len)
{
	uint8_t key[WIRE_RESET_KEY_BYTES];
	const struct wire_transport *cause = (const struct wire_transport *)frame;

	reset_key(relay->reset_secret, get32(cause->receiver_index), key);
	reset_write(key, relay->boot, cause, frame, len);
	relay->counts.resets++;
	relay_peer_push(link, frame, len);
}

static void take_transport(
	struct relay_peer *relay, struct peer_link *link, uint8_t *frame, size_t len)
{
	const struct wire_transport *view = (const struct wire_transport *)frame;
	uint32_t index = get32(view->receiver_index);
	uint64_t counter = get64(view->counter);
	struct peer_session *session = &relay->sessions[index % PEER_SESSIONS];
	const struct wire_inner *inner =
		(const struct wire_inner *)(frame + WIRE_TRANSPORT_HEADER_BYTES);
	uint8_t copy[WIRE_LARGE_BYTES];

	memcpy(copy, frame, len);
	if (!session->used || session->index != index) {
		reset(relay, link, copy, len);
		return;
	}
	if (hop_open(&session->receive, frame, len)) {
		relay->counts.unopened++;
		return;
	}
	if (!replay_accept(
		    &session->replay.head, session->replay.bitmap, REPLAY_RELAY_WORDS, counter)) {
		relay->counts.replayed++;
		return;
	}
	if (inner->kind == WIRE_KEEPALIVE)
		confirm(relay, session);
	if (!session->confirmed)
		return;
	check_endpoint(relay, session, link, inner);
	if (inner->kind == WIRE_KEEPALIVE)
		answer_keepalive(relay, session, inner);
	else if (inner->kind == WIRE_CONTROL)
		relay_peer_control(relay, session, inner);
	else if (inner->kind == WIRE_LIVE)
		forward(relay, inner, len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	else if (inner->kind == WIRE_STORED || inner->kind == WIRE_RECEIVED)
		relay_peer_store(relay, session, inner, len - WIRE_TRANSPORT_OVERHEAD_BYTES);
}

void relay_peer_take(struct peer_link *link, const void *datagram, size_t len)
{
	struct relay_peer *relay = link->relay;
	uint8_t frame[WIRE_LARGE_BYTES];

	if (wire_check(datagram, len) != WIRE_OK)
		abort(); /* the client never sends such */
	memcpy(frame, datagram, len);
	if (frame[0] == WIRE_INIT)
		relay_peer_init(relay, link, (const struct wire_init *)frame);
	else if (frame[0] == WIRE_TRANSPORT)
		take_transport(relay, link, frame, len);
}
