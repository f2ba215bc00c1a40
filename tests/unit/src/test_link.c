/* Invitations, contact links, hellos and the short authentication string. */
#include "src/link.h"
#include "src/seal.h"
#include "testing.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

static void fill_link(struct link *link, enum link_kind kind)
{
	memset(link, 0, sizeof *link);
	link->kind = kind;
	link->relay_count = 2;
	strcpy(link->relays[0], "relay.example.org:4460");
	strcpy(link->relays[1], "[2001:2::2]:4460");
	randombytes_buf(link->relay_key, sizeof link->relay_key);
	if (kind == LINK_INVITE) {
		randombytes_buf(link->invitation_id, sizeof link->invitation_id);
		randombytes_buf(link->secret, sizeof link->secret);
		link->expires_s = 1800000000;
	} else {
		randombytes_buf(link->route, sizeof link->route);
		randombytes_buf(link->device_key, sizeof link->device_key);
		randombytes_buf(link->psk, sizeof link->psk);
	}
}

static void assert_status(
	const char *text, size_t len, enum link_kind kind, enum link_status status, uint8_t field)
{
	struct link link;
	struct link_error error;
	memset(&link, 0xaa, sizeof link);
	assert_int_equal(link_parse(text, len, kind, &link, &error), -EINVAL);
	assert_int_equal(error.status, status);
	assert_int_equal(error.field, field);
	assert_true(sodium_is_zero((const uint8_t *)&link, sizeof link));
}

/* A link of any body, with a right checksum (the rule is written out here a second time). */
static void make_link(const char *word, const uint8_t *body, size_t len, char text[4096])
{
	uint8_t hashed[4096] = "chappe link", binary[4096], digest[16];
	size_t word_len = strlen(word) + 1;
	memcpy(hashed + 11, word, word_len);
	memcpy(hashed + 11 + word_len, body, len);
	crypto_generichash(digest, 16, hashed, 11 + word_len + len, NULL, 0);
	memcpy(binary, body, len);
	memcpy(binary + len, digest, 8);
	int at = snprintf(text, 4096, "chappe:%s/", word);
	sodium_bin2base64(text + at, 4096 - (size_t)at, binary, len + 8,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static size_t put(uint8_t *out, uint8_t tag, uint8_t len)
{
	out[0] = tag;
	out[1] = len;
	memset(out + 2, 0x11, len);
	return 2 + (size_t)len;
}

/* The body of a contact link: relay, relay key, route, device key, psk; bit n of skip leaves out
 * tag n. */
static size_t contact_body(uint8_t *body, unsigned skip)
{
	static const uint8_t lens[] = { 0, 6, 32, 16, 32, 32 };
	size_t at = 1;
	body[0] = 1;
	for (uint8_t tag = 1; tag <= 5; tag++) {
		if (skip & 1u << tag)
			continue;
		at += put(body + at, (uint8_t)(0x80 | tag), lens[tag]);
		if (tag == 1)
			memcpy(body + at - 6, "host:1", 6);
	}
	return at;
}

static void round_trips(void **state)
{
	(void)state;
	for (enum link_kind kind = LINK_INVITE; kind <= LINK_CONTACT; kind++) {
		struct link link, parsed;
		struct link_error error;
		char text[LINK_TEXT_BYTES], padded[LINK_TEXT_BYTES + 8];
		fill_link(&link, kind);
		assert_int_equal(link_format(&link, text), 0);
		assert_int_equal(link_parse(text, strlen(text), 0, &parsed, &error), 0);
		assert_memory_equal(&parsed, &link, sizeof link);
		snprintf(padded, sizeof padded, " \t%s\r\n", text);
		assert_int_equal(link_parse(padded, strlen(padded), kind, &parsed, &error), 0);
		assert_memory_equal(&parsed, &link, sizeof link);
		enum link_kind other = kind == LINK_INVITE ? LINK_CONTACT : LINK_INVITE;
		assert_status(text, strlen(text), other,
			other == LINK_INVITE ? LINK_STATUS_WANTED_INVITE
					     : LINK_STATUS_WANTED_CONTACT,
			0);
		link_wipe(&parsed);
		assert_true(sodium_is_zero((const uint8_t *)&parsed, sizeof parsed));
	}
}

static void refuses_every_truncation_and_flipped_bit(void **state)
{
	(void)state;
	for (enum link_kind kind = LINK_INVITE; kind <= LINK_CONTACT; kind++) {
		struct link link, parsed;
		struct link_error error;
		char text[LINK_TEXT_BYTES];
		fill_link(&link, kind);
		assert_int_equal(link_format(&link, text), 0);
		size_t len = strlen(text);
		for (size_t cut = 0; cut < len; cut++) {
			assert_int_equal(link_parse(text, cut, 0, &parsed, &error), -EINVAL);
			assert_true(error.status == LINK_STATUS_NOT_A_LINK ||
				    error.status == LINK_STATUS_CHECKSUM);
		}
		for (size_t bit = 0; bit < 8 * len; bit++) {
			text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
			assert_int_equal(link_parse(text, len, 0, &parsed, &error), -EINVAL);
			text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		}
		text[len / 2] = ' ';
		assert_status(text, len, kind, LINK_STATUS_BAD_CHARACTER, 0);
	}
}

static void a_link_is_bound_to_its_kind(void **state)
{
	(void)state;
	struct link link;
	char text[LINK_TEXT_BYTES], changed[LINK_TEXT_BYTES + 8];
	fill_link(&link, LINK_INVITE);
	assert_int_equal(link_format(&link, text), 0);
	snprintf(changed, sizeof changed, "chappe:contact/%s", text + strlen("chappe:invite/"));
	assert_status(changed, strlen(changed), 0, LINK_STATUS_CHECKSUM, 0);
}

static void says_what_is_not_a_link(void **state)
{
	(void)state;
	const char *texts[] = { "", " ", "chappe", "chappe:", "chappe:invite", "chappe:other/AAAA",
		"https://example.org/", "Chappe:invite/AAAA", "chappe:invites/AAAA" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_status(texts[i], strlen(texts[i]), 0, LINK_STATUS_NOT_A_LINK, 0);
	assert_status("chappe:invite/", 14, 0, LINK_STATUS_CHECKSUM, 0);
	assert_status("chappe:invite/AAAA", 18, 0, LINK_STATUS_CHECKSUM, 0);
	char endless[4096] = "chappe:invite/";
	memset(endless + 14, 'A', sizeof endless - 14);
	assert_status(endless, sizeof endless, 0, LINK_STATUS_TOO_LONG, 0);
}

static void obeys_the_critical_bit(void **state)
{
	(void)state;
	uint8_t body[512];
	char text[4096];
	struct link link;
	struct link_error error;

	for (unsigned tag = 0; tag < 128; tag++) {
		if (tag >= 1 && tag <= 5)
			continue;
		size_t len = contact_body(body, 0);
		bool expiry = tag == LINK_FIELD_EXPIRES;
		len += put(body + len, (uint8_t)tag, 8);
		make_link("contact", body, len, text);
		assert_int_equal(link_parse(text, strlen(text), 0, &link, &error), 0);
		assert_int_equal(link.expires_s, expiry ? UINT64_C(0x1111111111111111) : 0);
		len = contact_body(body, 0);
		len += put(body + len, (uint8_t)(0x80 | tag), 8);
		make_link("contact", body, len, text);
		if (expiry) /* the bit says only what those do who do not know the field */
			assert_int_equal(link_parse(text, strlen(text), 0, &link, &error), 0);
		else
			assert_status(
				text, strlen(text), 0, LINK_STATUS_UNKNOWN_CRITICAL, (uint8_t)tag);
	}
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	uint8_t body[4096];
	char text[4096], sentence[LINK_ERROR_BYTES];
	size_t len;

	for (uint8_t tag = 1; tag <= 5; tag++) {
		len = contact_body(body, 1u << tag);
		make_link("contact", body, len, text);
		assert_status(text, strlen(text), 0, LINK_STATUS_MISSING, tag);
		if (tag == LINK_FIELD_RELAY)
			continue;
		static const uint8_t right[] = { 0, 0, 32, 16, 32, 32 };
		for (unsigned value_len = 0; value_len < 40; value_len++) {
			len = contact_body(body, 1u << tag);
			len += put(body + len, (uint8_t)(0x80 | tag), (uint8_t)value_len);
			make_link("contact", body, len, text);
			if (value_len != right[tag])
				assert_status(text, strlen(text), 0, LINK_STATUS_BAD_LENGTH, tag);
		}
		len = contact_body(body, 0);
		len += put(body + len, (uint8_t)(0x80 | tag), right[tag]);
		make_link("contact", body, len, text);
		assert_status(text, strlen(text), 0, LINK_STATUS_REPEATED, tag);
	}
	/* every cut through the fields, with a right checksum */
	size_t whole = contact_body(body, 0);
	for (len = 0; len < whole; len++) {
		struct link link;
		struct link_error error;
		make_link("contact", body, len, text);
		assert_int_equal(link_parse(text, strlen(text), 0, &link, &error), -EINVAL);
	}
	body[0] = 2;
	make_link("contact", body, whole, text);
	assert_status(text, strlen(text), 0, LINK_STATUS_VERSION, 2);
	len = contact_body(body, 0);
	body[len] = 0x85;
	make_link("contact", body, len + 1, text);
	assert_status(text, strlen(text), 0, LINK_STATUS_MALFORMED, 5);
	len = contact_body(body, 0);
	for (unsigned n = 0; n < LINK_RELAYS_MAX; n++) {
		len += put(body + len, 0x81, 6);
		memcpy(body + len - 6, "host:1", 6);
	}
	make_link("contact", body, len, text);
	assert_status(text, strlen(text), 0, LINK_STATUS_TOO_MANY_RELAYS, 1);

	struct link_error error = { LINK_STATUS_MISSING, LINK_FIELD_PSK };
	link_error_text(&error, sentence);
	assert_string_equal(sentence, "the link lacks its shared secret");
	error = (struct link_error){ LINK_STATUS_UNKNOWN_CRITICAL, 77 };
	link_error_text(&error, sentence);
	assert_string_equal(
		sentence, "the link needs field 77, which this version does not know: update");
	error = (struct link_error){ LINK_STATUS_CHECKSUM, 0 };
	link_error_text(&error, sentence);
	assert_non_null(strstr(sentence, "mistyped or cut off"));
}

static void checks_relay_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *relay, *host;
		uint16_t port;
	} rows[] = {
		{ "relay.example.org:4460", "relay.example.org", 4460 },
		{ "198.18.0.2:1", "198.18.0.2", 1 },
		{ "[2001:2::2]:65535", "2001:2::2", 65535 },
		{ "[::ffff:198.18.0.2]:4460", "::ffff:198.18.0.2", 4460 },
		{ "", NULL, 0 },
		{ "host", NULL, 0 },
		{ "host:", NULL, 0 },
		{ ":4460", NULL, 0 },
		{ "host:0", NULL, 0 },
		{ "host:04460", NULL, 0 },
		{ "host:65536", NULL, 0 },
		{ "host:99999", NULL, 0 },
		{ "host:123456", NULL, 0 },
		{ "host:44a", NULL, 0 },
		{ "ho st:4460", NULL, 0 },
		{ "host:4460 ", NULL, 0 },
		{ "2001:2::2:4460", NULL, 0 },
		{ "[2001:2::2]", NULL, 0 },
		{ "[2001:2::2]4460", NULL, 0 },
		{ "[]:4460", NULL, 0 },
		{ "[host]:4460", NULL, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char host[LINK_HOST_BYTES];
		uint16_t port;
		int result = link_relay_split(rows[i].relay, host, &port);
		assert_int_equal(result, rows[i].host ? 0 : -EINVAL);
		if (!rows[i].host)
			continue;
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
	char longest[LINK_RELAY_BYTES + 8], host[LINK_HOST_BYTES];
	uint16_t port;
	memset(longest, 'a', sizeof longest);
	strcpy(longest + 253, ":1");
	assert_int_equal(link_relay_split(longest, host, &port), 0);
	memset(longest, 'a', sizeof longest);
	strcpy(longest + 254, ":1");
	assert_int_equal(link_relay_split(longest, host, &port), -EINVAL);
}

static void refuses_to_write_what_it_would_not_read(void **state)
{
	(void)state;
	struct link link;
	char text[LINK_TEXT_BYTES];
	fill_link(&link, LINK_CONTACT);
	link.relay_count = 0;
	assert_int_equal(link_format(&link, text), -EINVAL);
	fill_link(&link, LINK_CONTACT);
	link.relay_count = LINK_RELAYS_MAX + 1;
	assert_int_equal(link_format(&link, text), -EINVAL);
	fill_link(&link, LINK_CONTACT);
	strcpy(link.relays[1], "no port");
	assert_int_equal(link_format(&link, text), -EINVAL);
	fill_link(&link, LINK_HELLO);
	assert_int_equal(link_format(&link, text), -EINVAL);
	fill_link(&link, LINK_CONTACT);
	link.relay_count = LINK_RELAYS_MAX;
	for (unsigned n = 0; n < LINK_RELAYS_MAX; n++) {
		memset(link.relays[n], 'a', 250);
		strcpy(link.relays[n] + 250, ":1");
	}
	assert_int_equal(link_format(&link, text), -ENOSPC);
	/* the longest that fits also parses */
	for (unsigned n = LINK_RELAYS_MAX; link_format(&link, text) == -ENOSPC; n--)
		link.relay_count = n;
	struct link parsed;
	struct link_error error;
	assert_true(link.relay_count >= 3);
	assert_int_equal(link_parse(text, strlen(text), 0, &parsed, &error), 0);
	assert_memory_equal(parsed.relays, link.relays, 256 * link.relay_count);
}

static void hello_carries_the_way_back(void **state)
{
	(void)state;
	struct link own, read;
	struct link_error error;
	uint8_t hello[LINK_HELLO_BYTES_MAX], sender[WIRE_KEY_BYTES], psk[WIRE_KEY_BYTES];
	size_t len;

	assert_in_range(LINK_HELLO_BYTES_MAX, 1, SEAL_LARGE_DATA_BYTES);
	fill_link(&own, LINK_CONTACT);
	memcpy(sender, own.device_key, sizeof sender);
	randombytes_buf(psk, sizeof psk);
	assert_int_equal(hello_write(&own, hello, &len), 0);
	for (size_t at = 0; at + 32 <= len; at++) {
		assert_memory_not_equal(hello + at, own.psk, 32);
		assert_memory_not_equal(hello + at, own.device_key, 32);
	}
	assert_int_equal(hello_read(hello, len, sender, psk, &read, &error), 0);
	memcpy(own.psk, psk, sizeof psk);
	assert_memory_equal(&read, &own, sizeof own);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(hello_read(hello, cut, sender, psk, &read, &error), -EINVAL);
	assert_true(sodium_is_zero((const uint8_t *)&read, sizeof read));
}

static void sas_is_the_same_on_both_sides_and_no_other(void **state)
{
	(void)state;
	uint8_t a[32], b[32], psk[32];
	char here[SAS_BYTES], there[SAS_BYTES], other[SAS_BYTES];

	for (int round = 0; round < 100; round++) {
		randombytes_buf(a, 32);
		randombytes_buf(b, 32);
		randombytes_buf(psk, 32);
		sas_text(a, b, psk, here);
		sas_text(b, a, psk, there);
		assert_string_equal(here, there);
		assert_int_equal(strlen(here), SAS_BYTES - 1);
		for (size_t i = 0; i < SAS_BYTES - 1; i++)
			assert_true(i % 6 == 5 ? here[i] == ' ' : here[i] >= '0' && here[i] <= '9');
		uint8_t *inputs[] = { a, b, psk };
		for (int i = 0; i < 3; i++) {
			inputs[i][round % 32] ^= 1;
			sas_text(a, b, psk, other);
			assert_string_not_equal(here, other);
			inputs[i][round % 32] ^= 1;
		}
	}
	/* A fixed one, for other implementers: keys of 0x01 and 0x02 bytes, psk of 0x03. */
	memset(a, 1, 32);
	memset(b, 2, 32);
	memset(psk, 3, 32);
	sas_text(a, b, psk, here);
	assert_string_equal(here, "30473 58512 80398 40625 40132 25785");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(refuses_every_truncation_and_flipped_bit),
		cmocka_unit_test(a_link_is_bound_to_its_kind),
		cmocka_unit_test(says_what_is_not_a_link),
		cmocka_unit_test(obeys_the_critical_bit),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(checks_relay_addresses),
		cmocka_unit_test(refuses_to_write_what_it_would_not_read),
		cmocka_unit_test(hello_carries_the_way_back),
		cmocka_unit_test(sas_is_the_same_on_both_sides_and_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
