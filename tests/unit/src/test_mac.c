#include "src/mac.h"
#include "testing.h"
#include <errno.h>

static const uint8_t source[18] = "address and port";

struct fixture {
	struct mac_keys keys;
	struct mac_cookie_secret secret;
	struct wire_init init;
	struct wire_cookie_reply reply;
	uint8_t cookie[WIRE_COOKIE_BYTES];
};

static void rotate(struct mac_cookie_secret *secret, uint8_t seed)
{
	uint8_t fresh[32];
	fill(fresh, sizeof fresh, seed);
	mac_cookie_rotate(secret, fresh);
}

static void get_reply(struct fixture *f)
{
	uint8_t nonce[24];
	fill(nonce, sizeof nonce, 4);
	mac_cookie_reply(&f->keys, &f->secret, source, sizeof source, &f->init, nonce, &f->reply);
}

/* An init with a good mac1, and a cookie for the source from the exchange. */
static void set_up(struct fixture *f)
{
	uint8_t relay_public[WIRE_KEY_BYTES];
	memset(f, 0, sizeof *f);
	fill(relay_public, sizeof relay_public, 1);
	mac_keys_derive(&f->keys, relay_public);
	rotate(&f->secret, 2);
	fill(&f->init, sizeof f->init, 3);
	f->init.type = WIRE_INIT;
	mac_write(&f->keys, NULL, &f->init);
	get_reply(f);
	assert_int_equal(mac_cookie_open(&f->keys, f->init.mac1, &f->reply, f->cookie), 0);
}

static void mac1_covers_every_bit_before_it(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	assert_true(mac1_ok(&f.keys, &f.init));
	assert_true(sodium_is_zero(f.init.mac2, sizeof f.init.mac2));
	for (size_t bit = 0; bit < WIRE_MAC2_OFFSET * 8; bit++) {
		flip_bit(&f.init, bit);
		assert_false(mac1_ok(&f.keys, &f.init));
		flip_bit(&f.init, bit);
	}
	flip_bit(&f.init, WIRE_MAC2_OFFSET * 8);
	assert_true(mac1_ok(&f.keys, &f.init));
}

static void mac1_of_another_relay_fails(void **state)
{
	(void)state;
	struct fixture f;
	struct mac_keys other;
	uint8_t relay_public[WIRE_KEY_BYTES];
	set_up(&f);
	fill(relay_public, sizeof relay_public, 77);
	mac_keys_derive(&other, relay_public);
	assert_false(mac1_ok(&other, &f.init));
}

/* Worked out by another BLAKE2b: python3 -c "import hashlib as h; p = bytes(range(32));
 * k = h.blake2b(b'chappe mac1' + p, digest_size=32).digest();
 * print(h.blake2b(bytes([1]) * 480, key=k, digest_size=16).hexdigest())" */
static void mac1_is_the_published_construction(void **state)
{
	(void)state;
	struct mac_keys keys;
	struct wire_init init;
	uint8_t relay_public[WIRE_KEY_BYTES], want[16];
	for (uint8_t i = 0; i < sizeof relay_public; i++)
		relay_public[i] = i;
	mac_keys_derive(&keys, relay_public);
	memset(&init, 1, sizeof init);
	mac_write(&keys, NULL, &init);
	sodium_hex2bin(want, sizeof want, "9d08a64a59f0665ccd4ed701c30e0c5b", 32, NULL, NULL, NULL);
	assert_memory_equal(init.mac1, want, sizeof want);
	const uint8_t cookie[WIRE_COOKIE_BYTES] = "sixteen bytes...";
	mac_write(&keys, cookie, &init);
	sodium_hex2bin(want, sizeof want, "7b7dc4f2eefe1695b14cf75b29132ea8", 32, NULL, NULL, NULL);
	assert_memory_equal(init.mac2, want, sizeof want);
}

static void cookie_reply_is_a_frame_for_its_asker(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	assert_int_equal(wire_check(&f.reply, sizeof f.reply), WIRE_OK);
	assert_int_equal(f.reply.type, WIRE_COOKIE_REPLY);
	assert_memory_equal(&f.reply.receiver_index, &f.init.sender_index, 4);

	struct wire_cookie_reply over;
	uint8_t nonce[24];
	memcpy(&over, &f.init, sizeof over);
	fill(nonce, sizeof nonce, 4);
	mac_cookie_reply(
		&f.keys, &f.secret, source, sizeof source, (struct wire_init *)&over, nonce, &over);
	assert_memory_equal(&over, &f.reply, sizeof over);
}

static void every_forged_bit_of_a_cookie_fails(void **state)
{
	(void)state;
	struct fixture f;
	uint8_t cookie[WIRE_COOKIE_BYTES];
	set_up(&f);
	size_t from = offsetof(struct wire_cookie_reply, nonce) * 8;
	size_t to = offsetof(struct wire_cookie_reply, pad) * 8;
	for (size_t bit = from; bit < to; bit++) {
		flip_bit(&f.reply, bit);
		memset(cookie, 0xee, sizeof cookie);
		assert_int_equal(mac_cookie_open(&f.keys, f.init.mac1, &f.reply, cookie), -EBADMSG);
		assert_true(sodium_is_zero(cookie, sizeof cookie));
		flip_bit(&f.reply, bit);
	}
	/* Bound to the init that asked: the mac1 is its associated data. */
	for (size_t bit = 0; bit < 128; bit++) {
		flip_bit(f.init.mac1, bit);
		assert_int_equal(mac_cookie_open(&f.keys, f.init.mac1, &f.reply, cookie), -EBADMSG);
		flip_bit(f.init.mac1, bit);
	}
}

static void mac2_covers_every_bit_before_it(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	assert_false(mac2_ok(&f.secret, source, sizeof source, &f.init));
	mac_write(&f.keys, f.cookie, &f.init);
	assert_true(mac1_ok(&f.keys, &f.init));
	assert_true(mac2_ok(&f.secret, source, sizeof source, &f.init));
	for (size_t bit = 0; bit < sizeof f.init * 8; bit++) {
		flip_bit(&f.init, bit);
		assert_false(mac2_ok(&f.secret, source, sizeof source, &f.init));
		flip_bit(&f.init, bit);
	}
}

static void mac2_of_another_address_fails(void **state)
{
	(void)state;
	struct fixture f;
	uint8_t other[sizeof source];
	set_up(&f);
	mac_write(&f.keys, f.cookie, &f.init);
	memcpy(other, source, sizeof other);
	for (size_t bit = 0; bit < sizeof other * 8; bit++) {
		flip_bit(other, bit);
		assert_false(mac2_ok(&f.secret, other, sizeof other, &f.init));
		flip_bit(other, bit);
	}
	assert_false(mac2_ok(&f.secret, source, sizeof source - 1, &f.init));
}

static void a_cookie_outlives_one_rotation(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	mac_write(&f.keys, f.cookie, &f.init);
	rotate(&f.secret, 20);
	assert_true(mac2_ok(&f.secret, source, sizeof source, &f.init));
	rotate(&f.secret, 21);
	assert_false(mac2_ok(&f.secret, source, sizeof source, &f.init));

	/* New replies are made with the newest secret. */
	get_reply(&f);
	assert_int_equal(mac_cookie_open(&f.keys, f.init.mac1, &f.reply, f.cookie), 0);
	mac_write(&f.keys, f.cookie, &f.init);
	rotate(&f.secret, 22);
	assert_true(mac2_ok(&f.secret, source, sizeof source, &f.init));
}

/* A cookie under the zero secret, which anybody can work out, must not count. */
static void no_cookie_is_good_before_there_is_a_secret(void **state)
{
	(void)state;
	static const uint8_t zeros[32];
	struct fixture f;
	set_up(&f);
	crypto_generichash(f.cookie, sizeof f.cookie, source, sizeof source, zeros, sizeof zeros);
	mac_write(&f.keys, f.cookie, &f.init);
	memset(&f.secret, 0, sizeof f.secret);
	assert_false(mac2_ok(&f.secret, source, sizeof source, &f.init));
	rotate(&f.secret, 30);
	assert_false(f.secret.has_previous);
	assert_false(mac2_ok(&f.secret, source, sizeof source, &f.init));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac1_covers_every_bit_before_it),
		cmocka_unit_test(mac1_of_another_relay_fails),
		cmocka_unit_test(mac1_is_the_published_construction),
		cmocka_unit_test(cookie_reply_is_a_frame_for_its_asker),
		cmocka_unit_test(every_forged_bit_of_a_cookie_fails),
		cmocka_unit_test(mac2_covers_every_bit_before_it),
		cmocka_unit_test(mac2_of_another_address_fails),
		cmocka_unit_test(a_cookie_outlives_one_rotation),
		cmocka_unit_test(no_cookie_is_good_before_there_is_a_secret),
	};
	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
