#include "load.h"

#include "src/control_op.h"

enum {
	SWEEP = 16, /* due times looked at in a turn: two cache lines */
	INIT_PAUSE_MS = 500,
	INIT_DOUBLINGS_MAX = 4,
	CONFIRM_PAUSE_MS = 250,
	ROUTE_PAUSE_MS = 500,
	FULL_PAUSE_MS = 1000,
	NO_TURN_MS = 20, /* as many handshakes as may be are under way */
	RESET_PAUSE_S = 5,
};

union cell {
	struct wire_inner inner;
	uint8_t bytes[WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES];
};

static void send_keepalive(
	struct load *load, struct device *device, struct session *session, const uint8_t *token)
{
	union cell cell = { .inner = { .kind = WIRE_KEEPALIVE,
				    .frame_id = put64(load_random(load)) } };
	struct wire_keepalive *keepalive = (struct wire_keepalive *)cell.inner.payload;

	if (token) {
		keepalive->has_token = 1;
		memcpy(keepalive->token, token, sizeof keepalive->token);
	}
	load->counts.keepalives++;
	session_send(load, device, session, cell.bytes);
}

/* The same frame_id for every repetition: the relay makes one route. */
static void ask_route(struct load *load, struct device *device)
{
	union cell cell = { .inner = { .kind = WIRE_CONTROL } };
	const struct {
		struct control_head head;
		struct control_route_create body;
	} request = {
		{ put16(CONTROL_OP_ROUTE_CREATE), put16(sizeof request.body) },
		{ put32(CONTROL_ROUTE_LIVE) },
	};

	if (device->route_frame_id == 0)
		randombytes_buf(&device->route_frame_id, sizeof device->route_frame_id);
	cell.inner.frame_id = put64(device->route_frame_id);
	memcpy(cell.inner.payload, &request, sizeof request);
	session_send(load, device, device->current, cell.bytes);
	device->route_at = load->now + load_ms(load, ROUTE_PAUSE_MS);
}

static void note_ready(struct load *load, struct device *device)
{
	const bool ready = device->current != NULL && device->has_route;

	if (ready != device->ready)
		load->ready += ready ? 1 : UINT32_MAX;
	device->ready = ready;
}

static void begin(struct load *load, struct device *device)
{
	const uint32_t doublings = RTE_MIN(device->tries, (uint32_t)INIT_DOUBLINGS_MAX);

	if (device->handshake == NULL && load->handshaking >= load->options.handshakes) {
		device->next = load->now + load_ms(load, NO_TURN_MS);
		return;
	}
	if (!handshake_send(load, device)) {
		device->next = load->now + load_ms(load, FULL_PAUSE_MS);
		return;
	}
	device->phase = DEVICE_INIT_SENT;
	device->tries++;
	/* A quarter up or down, so that devices do not return in step. */
	device->next = load->now + load_ms(load, (uint64_t)INIT_PAUSE_MS << doublings) / 1000 *
					   (750 + load_random(load) % 501);
}

static void confirm(struct load *load, struct device *device)
{
	if (load->now >= device->confirm_until) {
		begin(load, device);
		return;
	}
	send_keepalive(load, device, device->pending, NULL);
	device->next = load->now + load_ms(load, CONFIRM_PAUSE_MS);
}

static void settled(struct load *load, struct device *device)
{
	const struct session *session = device->current;

	if (session == NULL || load->now >= session->soft ||
		session->send_counter >= WIRE_REKEY_COUNTER) {
		device->tries = 0;
		begin(load, device);
		return;
	}
	if (!device->has_route && load->now >= device->route_at)
		ask_route(load, device);
	/* Where not every frame is opened, answers would be taken for frames of the trial. */
	const bool quiet = load->trial != NULL && load->options.check_every > 1;
	if (load->now >= device->keepalive_at && !quiet) {
		send_keepalive(load, device, device->current, NULL);
		device->keepalive_at = load->now + device->keepalive_pause / 1000 *
							   (1000 - load_random(load) % 101);
	}
	device->next = RTE_MIN(device->keepalive_at, session->soft);
	if (!device->has_route)
		device->next = RTE_MIN(device->next, device->route_at);
}

static void turn(struct load *load, struct device *device)
{
	if (device->previous && load->now >= device->previous_until)
		session_give(load, &device->previous);
	if (device->current && (load->now >= device->current->hard ||
				       device->current->send_counter >= WIRE_LAST_COUNTER))
		session_give(load, &device->current);
	if (load->now >= device->next) {
		switch ((enum device_phase)device->phase) {
		case DEVICE_OFFLINE:
		case DEVICE_INIT_SENT:
			begin(load, device);
			break;
		case DEVICE_CONFIRM:
			confirm(load, device);
			break;
		case DEVICE_SETTLED:
			settled(load, device);
			break;
		case DEVICE_REFUSED:
			device->next = UINT64_MAX;
			break;
		}
	}
	note_ready(load, device);
	load->due[device - load->devices] =
		device->previous ? RTE_MIN(device->next, device->previous_until) : device->next;
}

void devices_turn(struct load *load)
{
	for (uint32_t i = 0; i < RTE_MIN(load->device_count, (uint32_t)SWEEP); i++) {
		if (unlikely(load->now >= load->due[load->cursor]))
			turn(load, &load->devices[load->cursor]);
		if (++load->cursor == load->device_count)
			load->cursor = 0;
	}
}

/* Looks at the device in the next sweep. */
static void stir(struct load *load, struct device *device)
{
	device->next = load->now;
	turn(load, device);
}

static void refuse(struct load *load, struct device *device, int status)
{
	handshake_end(load, device);
	session_give(load, &device->pending);
	device->status = (uint8_t)status;
	if (status == WIRE_STATUS_REVOKED || status == WIRE_STATUS_INVITATION_USED) {
		device->phase = DEVICE_REFUSED;
		session_give(load, &device->current);
		load->refused++;
		stir(load, device);
		return;
	}
	device->phase = DEVICE_OFFLINE;
	device->next = load->now + load_ms(load, FULL_PAUSE_MS);
	load->due[device - load->devices] = device->next;
}

void device_response(struct load *load, const struct wire_response *response)
{
	struct session *session = session_of(load, get32(response->receiver_index));
	struct device *device = session ? &load->devices[session->device] : NULL;

	if (device == NULL || device->phase != DEVICE_INIT_SENT || session != device->pending) {
		load->counts.no_frame++;
		return;
	}
	const int status = handshake_finish(load, device, response);
	if (status < 0) {
		load->counts.bad_response++;
	} else if (status != WIRE_STATUS_OK) {
		refuse(load, device, status);
	} else {
		handshake_end(load, device);
		device->phase = DEVICE_CONFIRM;
		device->confirm_until = load->now + WIRE_PENDING_S * load->hz;
		stir(load, device);
	}
}

void device_cookie(struct load *load, const struct wire_cookie_reply *reply)
{
	struct session *session = session_of(load, get32(reply->receiver_index));
	struct device *device = session ? &load->devices[session->device] : NULL;
	uint8_t cookie[WIRE_COOKIE_BYTES];

	if (device == NULL || device->handshake == NULL || device->handshake->has_cookie) {
		load->counts.no_frame++;
		return;
	}
	struct handshake *handshake = device->handshake;
	if (mac_cookie_open(&load->macs, handshake->init.mac1, reply, cookie) != 0) {
		load->counts.bad_response++;
		return;
	}
	load->counts.cookies++;
	handshake->has_cookie = true;
	mac_write(&load->macs, cookie, &handshake->init);
	port_send(load, device, (const uint8_t *)&handshake->init);
}

void device_heard(struct load *load, struct session *session)
{
	struct device *device = &load->devices[session->device];

	if (session != device->pending)
		return;
	session_give(load, &device->previous);
	device->previous = device->current;
	device->previous_until = load->now + WIRE_OLD_KEYS_S * load->hz;
	device->current = session;
	device->pending = NULL;
	device->phase = DEVICE_SETTLED;
	device->tries = 0;
	memset(device->invitation_id, 0, sizeof device->invitation_id); /* enrolled */
	load->counts.sessions++;
	/* Spread over the first period. */
	device->keepalive_at =
		load->now + device->keepalive_pause / 1000 * (500 + load_random(load) % 501);
	stir(load, device);
}

static void take_control(struct load *load, struct device *device, const struct wire_inner *inner)
{
	struct control_head head;
	struct control_route_answer answer;

	memcpy(&head, inner->payload, sizeof head);
	memcpy(&answer, inner->payload + sizeof head, sizeof answer);
	if (device->has_route || get64(inner->frame_id) != device->route_frame_id ||
		get16(head.op) != (CONTROL_OP_ROUTE_CREATE | CONTROL_OP_ANSWER) ||
		get16(answer.status) != CONTROL_OK)
		return;
	memcpy(device->route, answer.route, sizeof device->route);
	device->has_route = true;
	stir(load, device);
}

void device_frame(struct load *load, struct session *session, const struct wire_inner *inner)
{
	struct device *device = &load->devices[session->device];
	const struct wire_keepalive *keepalive = (const struct wire_keepalive *)inner->payload;

	if (inner->kind == WIRE_CONTROL) {
		take_control(load, device, inner);
	} else if (inner->kind != WIRE_KEEPALIVE) {
		load->counts.bad_inner++;
	} else {
		load->counts.answers += keepalive->what == WIRE_KEEPALIVE_ANSWER;
		if (keepalive->has_token) {
			send_keepalive(load, device, session, keepalive->token);
			load->counts.tokens++;
		}
	}
}

/* A reset names the relay's index only, and is rare: one look at each device. */
void device_reset(struct load *load, const uint8_t *frame, uint32_t len)
{
	const uint32_t index = get32(((const struct wire_reset *)frame)->index);

	for (uint32_t i = 0; i < load->device_count; i++) {
		struct device *device = &load->devices[i];
		struct session *session = device->current;
		if (session == NULL || session->relay_index != index)
			continue;
		if (load->now < device->reset_pause_until || !session_reset_ok(session, frame, len))
			return;
		load->counts.resets++;
		device->reset_pause_until = load->now + RESET_PAUSE_S * load->hz;
		session->soft = load->now;
		if (device->phase == DEVICE_SETTLED)
			stir(load, device);
		return;
	}
	load->counts.no_frame++;
}
