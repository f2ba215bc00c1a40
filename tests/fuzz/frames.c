/* Datagrams as they come from the network: the check at the door, then what the type leads to. An
 * input as long as an inner frame is sealed and opened as well, to get behind the AEAD. */
#include "fuzz.h"
#include "src/hop.h"
#include "src/mac.h"
#include "src/reset.h"

static struct hop_key keys[2];
static uint8_t reset_bytes[WIRE_RESET_KEY_BYTES];
static struct mac_keys mac_keys;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	uint8_t key[32];
	MUST(sodium_init() >= 0);
	fuzz_key(key, 0x40);
	MUST(hop_key_init(&keys[0], WIRE_SUITE_CHACHA20POLY1305, key) == 0);
	/* A machine without AES instructions fuzzes suite 2 twice. */
	if (hop_key_init(&keys[1], WIRE_SUITE_AES256GCM, key))
		keys[1] = keys[0];
	memcpy(reset_bytes, key, sizeof reset_bytes);
	mac_keys_derive(&mac_keys, key);
	return 0;
}

static void open_transport(const uint8_t *data, size_t len)
{
	for (int i = 0; i < 2; i++) {
		uint8_t *frame = fuzz_copy(data, len);
		if (hop_open(&keys[i], frame, len))
			MUST(sodium_is_zero(frame + WIRE_TRANSPORT_HEADER_BYTES,
				len - WIRE_TRANSPORT_OVERHEAD_BYTES));
		free(frame);
	}
}

static void take_frame(const uint8_t *data, size_t len)
{
	uint8_t cookie[WIRE_COOKIE_BYTES];
	MUST(len == WIRE_SMALL_BYTES || len == WIRE_LARGE_BYTES);
	switch (data[0]) {
	case WIRE_TRANSPORT:
		open_transport(data, len);
		break;
	case WIRE_RESET:
		(void)reset_ok(reset_bytes, data, len);
		break;
	case WIRE_COOKIE_REPLY:
		if (mac_cookie_open(
			    &mac_keys, reset_bytes, (const struct wire_cookie_reply *)data, cookie))
			MUST(sodium_is_zero(cookie, sizeof cookie));
		break;
	default: /* handshakes have a target of their own */
		MUST(data[0] == WIRE_INIT || data[0] == WIRE_RESPONSE);
		MUST(len == WIRE_SMALL_BYTES);
	}
}

static void take_inner(const uint8_t *data, size_t len)
{
	const struct wire_inner *inner = (const struct wire_inner *)data;
	if (wire_inner_from_device_ok(inner)) {
		MUST(inner->flags == 0 && inner->hops == 0);
		MUST(inner->kind != WIRE_ACCEPTED && inner->kind <= WIRE_KEEPALIVE);
	}
	uint8_t frame[WIRE_LARGE_BYTES];
	for (int i = 0; i < 2; i++) {
		memcpy(frame + WIRE_TRANSPORT_HEADER_BYTES, data, len);
		hop_seal(&keys[i], 1, data[0], frame, len + WIRE_TRANSPORT_OVERHEAD_BYTES);
		MUST(wire_check(frame, len + WIRE_TRANSPORT_OVERHEAD_BYTES) == WIRE_OK);
		MUST(hop_open(&keys[i], frame, len + WIRE_TRANSPORT_OVERHEAD_BYTES) == 0);
		MUST(memcmp(frame + WIRE_TRANSPORT_HEADER_BYTES, data, len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (wire_check(data, len) == WIRE_OK)
		take_frame(data, len);
	if (len == WIRE_SMALL_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES ||
		len == WIRE_LARGE_BYTES - WIRE_TRANSPORT_OVERHEAD_BYTES)
		take_inner(data, len);
	return 0;
}
