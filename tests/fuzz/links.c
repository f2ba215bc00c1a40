/* Invitations and contact links as people paste them, and hellos as a contact may send them. The
 * first byte says which. A body for either may come without its text form: the checksum, which a
 * fuzzer can't guess, is put to it here. */
#include "fuzz.h"
#include "src/link.h"

enum { TEXT = 0, HELLO = 1, INVITE_BODY = 2, CONTACT_BODY = 3, MODES = 4 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	return 0;
}

static void check_refused(const struct link *link, const struct link_error *error)
{
	char text[LINK_ERROR_BYTES];
	MUST(sodium_is_zero((const uint8_t *)link, sizeof *link));
	MUST(error->status != LINK_STATUS_OK);
	link_error_text(error, text);
	MUST(strlen(text) > 0);
}

/* What was read can be written, and reads the same again. */
static void check_read(const struct link *link)
{
	char text[LINK_TEXT_BYTES], host[LINK_HOST_BYTES];
	struct link again;
	struct link_error error;
	uint16_t port;
	MUST(link->relay_count >= 1 && link->relay_count <= LINK_RELAYS_MAX);
	for (unsigned i = 0; i < link->relay_count; i++)
		MUST(link_relay_split(link->relays[i], host, &port) == 0);
	if (link_format(link, text)) /* fields we do not know made it shorter, never longer */
		abort();
	MUST(link_parse(text, strlen(text), link->kind, &again, &error) == 0);
	MUST(memcmp(link, &again, sizeof again) == 0);
}

static void take_text(const char *text, size_t len)
{
	struct link link;
	struct link_error error = { 0 };
	for (enum link_kind wanted = 0; wanted <= LINK_CONTACT; wanted++) {
		if (link_parse(text, len, wanted, &link, &error))
			check_refused(&link, &error);
		else
			check_read(&link);
	}
}

static void take_body(const char *word, const uint8_t *body, size_t len)
{
	uint8_t binary[4096], digest[16];
	char text[8192];
	crypto_generichash_state state;
	if (len > sizeof binary - LINK_CHECKSUM_BYTES)
		return;
	crypto_generichash_init(&state, NULL, 0, sizeof digest);
	crypto_generichash_update(&state, (const uint8_t *)"chappe link", 11);
	crypto_generichash_update(&state, (const uint8_t *)word, strlen(word) + 1);
	crypto_generichash_update(&state, body, len);
	crypto_generichash_final(&state, digest, sizeof digest);
	memcpy(binary, body, len);
	memcpy(binary + len, digest, LINK_CHECKSUM_BYTES);
	size_t at = (size_t)snprintf(text, sizeof text, "chappe:%s/", word);
	sodium_bin2base64(text + at, sizeof text - at, binary, len + LINK_CHECKSUM_BYTES,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	take_text(text, strlen(text));
}

static void take_hello(const uint8_t *data, size_t len)
{
	static const uint8_t sender[WIRE_KEY_BYTES] = { 1 }, psk[WIRE_KEY_BYTES] = { 2 };
	uint8_t out[LINK_HELLO_BYTES_MAX];
	struct link link, again;
	struct link_error error = { 0 };
	size_t out_len;
	if (hello_read(data, len, sender, psk, &link, &error)) {
		check_refused(&link, &error);
		return;
	}
	MUST(link.kind == LINK_CONTACT);
	/* One of more relays than fit a cell can be read but not written. */
	if (hello_write(&link, out, &out_len))
		return;
	MUST(hello_read(out, out_len, sender, psk, &again, &error) == 0);
	MUST(memcmp(&link, &again, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (data[0] % MODES) {
	case TEXT:
		take_text((const char *)data + 1, len - 1);
		break;
	case HELLO:
		take_hello(data + 1, len - 1);
		break;
	case INVITE_BODY:
		take_body("invite", data + 1, len - 1);
		break;
	default:
		take_body("contact", data + 1, len - 1);
	}
	return 0;
}
