#include "load.h"

#include "src/reset.h"

enum { SLOT_BITS = 24, SLOT_MASK = (1 << SLOT_BITS) - 1 };

struct session *session_take(struct load *load, uint32_t device)
{
	struct session *session = load->free_sessions;

	if (session == NULL)
		return NULL;
	load->free_sessions = session->next_free;
	const uint32_t index = session->local_index;
	memset(session, 0, sizeof *session);
	session->device = device;
	session->local_index = index;
	return session;
}

void session_give(struct load *load, struct session **at)
{
	struct session *session = *at;

	if (session == NULL)
		return;
	*at = NULL;
	const uint32_t generation = (session->local_index >> SLOT_BITS) + 1;
	const uint32_t slot = session->local_index & SLOT_MASK;
	sodium_memzero(session, sizeof *session);
	session->local_index = generation << SLOT_BITS | slot;
	session->device = UINT32_MAX;
	session->next_free = load->free_sessions;
	load->free_sessions = session;
}

struct session *session_of(const struct load *load, uint32_t local_index)
{
	const uint32_t slot = local_index & SLOT_MASK;

	if (slot >= load->session_count)
		return NULL;
	struct session *session = &load->sessions[slot];
	return session->local_index == local_index && session->device != UINT32_MAX ? session
										    : NULL;
}

void session_send(struct load *load, struct device *device, struct session *session,
	const uint8_t inner[WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES])
{
	uint8_t cell[WIRE_SMALL_BYTES];

	memcpy(cell + WIRE_TRANSPORT_HEADER_BYTES, inner,
		WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES);
	aead_seal(&load->aead, &session->send, session->relay_index, session->send_counter++, cell,
		WIRE_SMALL_BYTES);
	port_send(load, device, cell);
}

bool session_reset_ok(struct session *session, const uint8_t *frame, uint32_t len)
{
	const struct wire_reset *reset = (const struct wire_reset *)frame;
	const uint64_t counter = get64(reset->counter);

	if (get32(reset->index) != session->relay_index || counter >= session->send_counter ||
		counter < session->reset_from || !reset_ok(session->reset_key, frame, len))
		return false;
	session->reset_from = counter + 1;
	return true;
}
