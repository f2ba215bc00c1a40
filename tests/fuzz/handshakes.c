/* Handshake messages. Byte 0 says which pattern, cipher and message, and whether the rest is a
 * message as it came from the network or a list of edits to a genuine one: (offset u16, xor u8)
 * each, which must be noticed unless they cancel out. */
#include "fuzz.h"
#include "src/hop.h"
#include "src/mac.h"
#include "src/noise.h"

enum {
	XPSK1 = 1,
	AESGCM = 2,
	SECOND = 4,
	EDITS = 8,
	MESSAGE_BYTES_MAX = 4096,
};

static struct noise_keypair statics[2], ephemerals[2];
static uint8_t psk[32];
static struct mac_keys mac_keys;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	for (uint8_t end = 0; end < 2; end++) {
		fuzz_key(statics[end].secret, (uint8_t)(0x40 * !end));
		noise_public_key(&statics[end]);
		fuzz_key(ephemerals[end].secret, (uint8_t)(0x20 + 0x40 * !end));
		noise_public_key(&ephemerals[end]);
	}
	fuzz_key(psk, 0xc0);
	mac_keys_derive(&mac_keys, statics[1].public);
	return 0;
}

static void check_macs(const uint8_t *data, size_t len)
{
	struct mac_cookie_secret secret = { 0 };
	struct wire_cookie_reply reply;
	uint8_t fresh[32], nonce[24] = { 1 }, cookie[WIRE_COOKIE_BYTES];
	if (wire_check(data, len) != WIRE_OK || data[0] != WIRE_INIT)
		return;
	const struct wire_init *init = (const struct wire_init *)data;
	fuzz_key(fresh, 0x10);
	mac_cookie_rotate(&secret, fresh);
	(void)mac1_ok(&mac_keys, init);
	(void)mac2_ok(&secret, "source", 6, init);
	mac_cookie_reply(&mac_keys, &secret, "source", 6, init, nonce, &reply);
	MUST(wire_check(&reply, sizeof reply) == WIRE_OK);
	MUST(mac_cookie_open(&mac_keys, init->mac1, &reply, cookie) == 0);
}

/* Both ends, ready for the message that the mode asks for, which writer writes. */
static void begin(struct noise ends[2], uint8_t mode)
{
	enum noise_pattern pattern = mode & XPSK1 ? NOISE_XPSK1 : NOISE_IKPSK2;
	enum noise_cipher cipher = mode & AESGCM ? NOISE_AESGCM : NOISE_CHACHAPOLY;
	uint8_t message[128];
	for (int end = 0; end < 2; end++) {
		MUST(noise_begin(&ends[end], pattern, cipher, end == 0, "chappe 1", 8,
			     &statics[end], end == 0 ? statics[1].public : NULL, psk) == 0);
		ends[end].ephemeral = ephemerals[end];
	}
	if (mode & SECOND && pattern == NOISE_IKPSK2) {
		MUST(noise_write(&ends[0], NULL, 0, message) == 0);
		MUST(noise_read(&ends[1], message, noise_overhead(&ends[1]), message + 127) == 0);
	}
}

static void read_message(struct noise *reader, const uint8_t *data, size_t len, bool genuine)
{
	size_t overhead = noise_overhead(reader);
	size_t payload_len = len < overhead ? 0 : len - overhead;
	uint8_t *payload = malloc(payload_len);
	struct noise before = *reader;
	int result = noise_read(reader, data, len, payload);
	MUST((result == 0) == genuine);
	if (result && payload_len)
		MUST(sodium_is_zero(payload, payload_len));
	if (result)
		MUST(memcmp(reader, &before, sizeof before) == 0);
	free(payload);
}

static void edit_message(
	struct noise *writer, struct noise *reader, const uint8_t *data, size_t len)
{
	static const uint8_t payload[WIRE_INIT_PAYLOAD_BYTES];
	uint8_t genuine[MESSAGE_BYTES_MAX], edited[MESSAGE_BYTES_MAX];
	size_t message_len = sizeof payload + noise_overhead(writer);
	MUST(noise_write(writer, payload, sizeof payload, genuine) == 0);
	memcpy(edited, genuine, message_len);
	for (; len >= 3; data += 3, len -= 3)
		edited[(size_t)(data[0] | data[1] << 8) % message_len] ^= data[2];
	read_message(reader, edited, message_len, memcmp(genuine, edited, message_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct noise ends[2];
	check_macs(data, len);
	if (len == 0)
		return 0;
	uint8_t mode = data[0];
	if (!(hop_suites() >> WIRE_SUITE_AES256GCM & 1))
		mode &= (uint8_t)~AESGCM;
	begin(ends, mode);
	int writer = mode & SECOND && !(mode & XPSK1);
	if (mode & EDITS) {
		edit_message(&ends[writer], &ends[!writer], data + 1, len - 1);
	} else {
		/* Nobody but the holder of the keys makes a message that reads. The fuzzer knows
		 * none of them: a seed under them would have to be edited. */
		read_message(&ends[!writer], data + 1, len - 1, false);
	}
	return 0;
}
