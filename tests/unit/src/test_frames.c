#include "src/hop.h"
#include "src/link.h"
#include "src/mac.h"
#include "src/noise.h"
#include "src/reset.h"
#include "src/seal.h"
#include "testing.h"
#include "tests/vectors/frames.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

enum { BYTES_MAX = 2048 };

static const json_t *published;

/* The published bytes of a name; 0 when there is no such name. */
static size_t get(const char *name, uint8_t *out)
{
	size_t number, len = 0;
	const json_t *row;
	json_array_foreach (published, number, row) {
		if (strcmp(json_string_value(json_object_get(row, "name")), name))
			continue;
		const char *hex = json_string_value(json_object_get(row, "hex"));
		assert_int_equal(
			sodium_hex2bin(out, BYTES_MAX, hex, strlen(hex), NULL, &len, NULL), 0);
		return len;
	}
	return 0;
}

static size_t get_of_suite(int suite, const char *name, uint8_t *out)
{
	char full[64];
	snprintf(full, sizeof full, "suite%d.%s", suite, name);
	size_t len = get(full, out);
	if (len == 0)
		fail_msg("%s is not published", full);
	return len;
}

static void get_exactly(const char *name, uint8_t *out, size_t want)
{
	uint8_t bytes[BYTES_MAX];
	assert_int_equal(get(name, bytes), want);
	memcpy(out, bytes, want);
}

static void compare(
	void *context, const char *name, const char *what, const uint8_t *bytes, size_t len)
{
	uint8_t want[BYTES_MAX];
	size_t *count = context;
	(void)what;
	if (get(name, want) != len || memcmp(bytes, want, len))
		fail_msg("%s differs from what is published", name);
	++*count;
}

static void every_published_byte_is_made_again(void **state)
{
	(void)state;
	size_t count = 0;
	const struct frames_sink sink = { compare, &count };
	if (hop_suites() != 6)
		skip();
	assert_int_equal(frames_make(&sink), 0);
	assert_int_equal(count, json_array_size(published));
}

/* ---- the receivers' side, from the published bytes alone ---- */

static void open_sealed(const char *live_name, const char *plain_name, size_t payload_len)
{
	struct noise_keypair device;
	uint8_t psk[32], sender_public[32], sender[32], live[BYTES_MAX], want[BYTES_MAX];
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} out;
	get_exactly("in.device_secret", device.secret, 32);
	noise_public_key(&device);
	get_exactly("in.contact_psk", psk, 32);
	get_exactly("in.sender_public", sender_public, 32);
	assert_int_equal(get(live_name, live), WIRE_INNER_HEADER_BYTES + payload_len);
	assert_int_equal(get(plain_name, want), payload_len - SEAL_OVERHEAD_BYTES);
	const struct wire_inner *inner = (const struct wire_inner *)live;
	assert_true(wire_inner_from_device_ok(inner));
	assert_int_equal(seal_open(&device, psk, inner, payload_len, sender, &out.plain), 0);
	assert_memory_equal(sender, sender_public, 32);
	assert_memory_equal(out.bytes, want, payload_len - SEAL_OVERHEAD_BYTES);
}

static void recipient_opens_the_payloads(void **state)
{
	(void)state;
	open_sealed("e2e.small_live", "e2e.small_plain", WIRE_SMALL_PAYLOAD_BYTES);
	open_sealed("e2e.large_live", "e2e.large_plain", WIRE_LARGE_PAYLOAD_BYTES);
}

static void parse_link(const char *name, enum link_kind kind, struct link *link)
{
	uint8_t text[BYTES_MAX];
	struct link_error error;
	size_t len = get(name, text);
	assert_true(len > 0);
	assert_int_equal(link_parse((const char *)text, len, kind, link, &error), 0);
	assert_string_equal(link->relays[0], "relay.example.org:4460");
	assert_string_equal(link->relays[1], "[2001:2::2]:4460");
	assert_int_equal(link->relay_count, 2);
}

static void people_read_the_links(void **state)
{
	(void)state;
	struct link link, hello;
	struct link_error error;
	uint8_t want[BYTES_MAX], bytes[BYTES_MAX];
	parse_link("link.invite", LINK_INVITE, &link);
	assert_true(link.expires_s == 1800000000);
	get_exactly("in.invitation_id", want, 16);
	assert_memory_equal(link.invitation_id, want, 16);
	get_exactly("in.psk", want, 32);
	assert_memory_equal(link.secret, want, 32);
	get_exactly("in.relay_public", want, 32);
	assert_memory_equal(link.relay_key, want, 32);

	parse_link("link.contact", LINK_CONTACT, &link);
	get_exactly("in.route", want, 16);
	assert_memory_equal(link.route, want, 16);
	get_exactly("in.device_public", want, 32);
	assert_memory_equal(link.device_key, want, 32);
	get_exactly("in.contact_psk", want, 32);
	assert_memory_equal(link.psk, want, 32);

	size_t len = get("link.hello", bytes);
	assert_int_equal(hello_read(bytes, len, link.device_key, link.psk, &hello, &error), 0);
	assert_memory_equal(&hello, &link, sizeof link);
}

static void relay_reads_init(int suite)
{
	struct noise_keypair relay;
	struct noise noise;
	struct mac_keys mac_keys;
	struct mac_cookie_secret cookie_secret = { 0 };
	uint8_t bytes[BYTES_MAX], payload[BYTES_MAX], want[BYTES_MAX], prologue[16], fresh[32],
		source[18], device_public[32];

	get_exactly("in.relay_secret", relay.secret, 32);
	get_exactly("in.cookie_secret", fresh, 32);
	get_exactly("in.source", source, 18);
	get_exactly("in.device_public", device_public, 32);
	noise_public_key(&relay);
	mac_keys_derive(&mac_keys, relay.public);
	mac_cookie_rotate(&cookie_secret, fresh);
	static const char *const inits[] = { "init", "init_mac2" };
	for (size_t i = 0; i < 2; i++) {
		size_t len = get_of_suite(suite, inits[i], bytes);
		assert_int_equal(wire_check(bytes, len), WIRE_OK);
		const struct wire_init *init = (const struct wire_init *)bytes;
		assert_int_equal(init->suite, suite);
		assert_true(mac1_ok(&mac_keys, init));
		assert_int_equal(mac2_ok(&cookie_secret, source, sizeof source, init), i == 1);
		memcpy(prologue, "chappe 1", 8);
		memcpy(prologue + 8, bytes, 8);
		assert_int_equal(noise_begin(&noise, NOISE_IKPSK2, (enum noise_cipher)suite, false,
					 prologue, sizeof prologue, &relay, NULL, NULL),
			0);
		assert_int_equal(noise_read(&noise, init->noise, sizeof init->noise, payload), 0);
		get_of_suite(suite, "init_payload", want);
		assert_memory_equal(payload, want, WIRE_INIT_PAYLOAD_BYTES);
		assert_memory_equal(noise.remote_static, device_public, 32);
	}
}

static void device_reads_cookie_reply(int suite)
{
	struct mac_keys mac_keys;
	uint8_t init[BYTES_MAX], reply[BYTES_MAX], want[BYTES_MAX], relay_public[32];
	uint8_t cookie[WIRE_COOKIE_BYTES];
	get_exactly("in.relay_public", relay_public, 32);
	mac_keys_derive(&mac_keys, relay_public);
	get_of_suite(suite, "init", init);
	assert_int_equal(wire_check(reply, get_of_suite(suite, "cookie_reply", reply)), WIRE_OK);
	assert_int_equal(mac_cookie_open(&mac_keys, init + WIRE_MAC1_OFFSET,
				 (struct wire_cookie_reply *)reply, cookie),
		0);
	get_of_suite(suite, "cookie", want);
	assert_memory_equal(cookie, want, sizeof cookie);
}

static void ends_open_transport(int suite)
{
	static const struct {
		const char *frame, *inner;
		bool to_relay;
	} rows[] = {
		{ "keepalive_ask", "keepalive_ask_inner", true },
		{ "keepalive_challenge", "keepalive_challenge_inner", false },
		{ "control_request", "control_request_inner", true },
		{ "control_answer", "control_answer_inner", false },
		{ "live_small_to_relay", NULL, true },
		{ "live_small_to_device", NULL, false },
		{ "live_large_to_relay", NULL, true },
		{ "live_large_to_device", NULL, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t frame[BYTES_MAX], want[BYTES_MAX], bytes[BYTES_MAX];
		struct hop_key key;
		get_of_suite(suite,
			rows[i].to_relay ? "device_to_relay_key" : "relay_to_device_key", bytes);
		assert_int_equal(hop_key_init(&key, (enum wire_suite)suite, bytes), 0);
		size_t len = get_of_suite(suite, rows[i].frame, frame);
		if (rows[i].inner)
			get_of_suite(suite, rows[i].inner, want);
		else
			get(len == WIRE_SMALL_BYTES ? "e2e.small_live" : "e2e.large_live", want);
		assert_int_equal(wire_check(frame, len), WIRE_OK);
		assert_int_equal(hop_open(&key, frame, len), 0);
		assert_memory_equal(frame + WIRE_TRANSPORT_HEADER_BYTES, want,
			len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	}
}

static void device_checks_resets(int suite)
{
	uint8_t payload[BYTES_MAX], frame[BYTES_MAX];
	static const char *const names[] = { "reset_small", "reset_large" };
	get_of_suite(suite, "response_payload", payload);
	const struct wire_response_payload *response =
		(const struct wire_response_payload *)payload;
	for (size_t i = 0; i < 2; i++) {
		size_t len = get_of_suite(suite, names[i], frame);
		const struct wire_reset *reset = (const struct wire_reset *)frame;
		assert_int_equal(wire_check(frame, len), WIRE_OK);
		assert_true(reset_ok(response->reset_key, frame, len));
		assert_memory_equal(&reset->index, &response->index, 4);
		assert_memory_equal(&reset->boot, &response->boot, 8);
	}
}

static void receivers_take_every_frame(void **state)
{
	(void)state;
	for (int suite = 1; suite <= 2; suite++) {
		if (!(hop_suites() >> suite & 1))
			continue;
		relay_reads_init(suite);
		device_reads_cookie_reply(suite);
		ends_open_transport(suite);
		device_checks_resets(suite);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_published_byte_is_made_again),
		cmocka_unit_test(recipient_opens_the_payloads),
		cmocka_unit_test(people_read_the_links),
		cmocka_unit_test(receivers_take_every_frame),
	};
	json_error_t error;
	json_t *file = json_load_file(VECTORS "/frames.json", 0, &error);
	published = json_object_get(file, "frames");
	if (sodium_init() < 0 || !json_is_array(published)) {
		fprintf(stderr, "%s/frames.json: %s\n", VECTORS, error.text);
		return 1;
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(file);
	return failed;
}
