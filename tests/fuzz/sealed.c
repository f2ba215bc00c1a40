/* Payloads sealed end to end: byte 0 says whether the rest came from the network (nobody but a
 * contact makes one that opens) or is the plaintext of a contact who means no good. */
#include "fuzz.h"
#include "src/seal.h"
#include <errno.h>

static struct noise_keypair recipient, sender;
static uint8_t psk[NOISE_KEY_BYTES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	fuzz_key(recipient.secret, 0x40);
	fuzz_key(sender.secret, 0x80);
	fuzz_key(psk, 0xe0);
	noise_public_key(&recipient);
	noise_public_key(&sender);
	return 0;
}

union payload {
	struct wire_inner inner;
	uint8_t bytes[WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES];
};
union plain {
	struct seal_plain plain;
	uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
};

static void check_opened(int result, const union plain *out, size_t plain_len, const uint8_t *from)
{
	if (result == 0) {
		MUST(memcmp(from, sender.public, sizeof sender.public) == 0);
		MUST(get16(out->plain.len) <= plain_len - SEAL_HEADER_BYTES);
		MUST(get16(out->plain.frag) < get16(out->plain.frags));
		MUST(get16(out->plain.frags) <= SEAL_FRAGMENTS_MAX);
	} else {
		MUST(result == -EPROTO || result == -EPROTONOSUPPORT || result == -EBADMSG);
		MUST(sodium_is_zero(out->bytes, plain_len));
		MUST(sodium_is_zero(from, NOISE_KEY_BYTES));
	}
}

static void take_payload(const uint8_t *data, size_t len)
{
	uint8_t from[NOISE_KEY_BYTES];
	union plain out;
	if (len != WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES &&
		len != WIRE_INNER_HEADER_BYTES + WIRE_LARGE_PAYLOAD_BYTES)
		return;
	uint8_t *copy = fuzz_copy(data, len);
	size_t payload_len = len - WIRE_INNER_HEADER_BYTES;
	int result = seal_open(
		&recipient, psk, (const struct wire_inner *)copy, payload_len, from, &out.plain);
	check_opened(result, &out, payload_len - SEAL_OVERHEAD_BYTES, from);
	free(copy);
}

static void take_plain(const uint8_t *data, size_t len)
{
	union payload payload = { .inner = { .kind = WIRE_LIVE } };
	union plain in = { .bytes = { 0 } }, out;
	uint8_t from[NOISE_KEY_BYTES];
	size_t plain_len =
		len <= SEAL_SMALL_PLAIN_BYTES ? SEAL_SMALL_PLAIN_BYTES : SEAL_LARGE_PLAIN_BYTES;
	if (len > sizeof in.bytes)
		return;
	memcpy(in.bytes, data, len);
	MUST(seal_payload(&sender, recipient.public, psk, &payload.inner, &in.plain, plain_len) ==
		0);
	int result = seal_open(
		&recipient, psk, &payload.inner, plain_len + SEAL_OVERHEAD_BYTES, from, &out.plain);
	MUST(result != -EBADMSG);
	check_opened(result, &out, plain_len, from);
	if (result == 0)
		MUST(memcmp(&in, &out, plain_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] & 1)
		take_payload(data + 1, len - 1);
	else
		take_plain(data + 1, len - 1);
	return 0;
}
