#include "link_fields.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *word;
	enum link_status not_wanted; /* instead of the other kind */
} kinds[] = {
	[LINK_INVITE] = { "invite", LINK_STATUS_WANTED_CONTACT },
	[LINK_CONTACT] = { "contact", LINK_STATUS_WANTED_INVITE },
};
const char *link_kind_word(enum link_kind kind)
{
	return kinds[kind].word;
}

const struct link_field_rule link_field_rules[LINK_FIELDS_END] = {
#define X(name, tag, is_critical, size, need, allow, called)                                       \
	[tag] = { called, is_critical, size, need, allow },
	LINK_FIELDS(X)
#undef X
};

static int fail(struct link *link, struct link_error *error, enum link_status status, uint8_t field)
{
	link_wipe(link);
	*error = (struct link_error){ status, field };
	return -EINVAL;
}

void link_wipe(struct link *link)
{
	sodium_memzero(link, sizeof *link);
}

void link_checksum(
	enum link_kind kind, const uint8_t *body, size_t len, uint8_t sum[LINK_CHECKSUM_BYTES])
{
	const char *word = link_kind_word(kind);
	uint8_t digest[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof digest);
	crypto_generichash_update(&state, (const uint8_t *)"chappe link", 11);
	crypto_generichash_update(&state, (const uint8_t *)word, strlen(word) + 1);
	crypto_generichash_update(&state, body, len);
	crypto_generichash_final(&state, digest, sizeof digest);
	memcpy(sum, digest, LINK_CHECKSUM_BYTES);
}

int link_relay_split(const char *relay, char host[LINK_HOST_BYTES], uint16_t *port)
{
	const char *end = relay, *begin = relay;
	static const char name[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._";
	static const char ipv6[] = "0123456789abcdefABCDEF:.";

	if (*relay == '[') {
		begin++;
		end = begin + strspn(begin, ipv6);
		if (*end != ']' || end[1] != ':')
			return -EINVAL;
	} else {
		end = begin + strspn(begin, name);
		if (*end != ':')
			return -EINVAL;
	}
	size_t host_len = (size_t)(end - begin);
	const char *digits = end + (*end == ']') + 1;
	size_t digits_len = strspn(digits, "0123456789");
	if (host_len == 0 || host_len >= LINK_HOST_BYTES || digits_len == 0 || digits_len > 5 ||
		digits[digits_len] || *digits == '0')
		return -EINVAL;
	unsigned long number = strtoul(digits, NULL, 10);
	if (number > UINT16_MAX)
		return -EINVAL;
	memcpy(host, begin, host_len);
	host[host_len] = '\0';
	*port = (uint16_t)number;
	return 0;
}

static enum link_status add_relay(struct link *link, const uint8_t *value, size_t len)
{
	char host[LINK_HOST_BYTES];
	uint16_t port;
	if (link->relay_count == LINK_RELAYS_MAX)
		return LINK_STATUS_TOO_MANY_RELAYS;
	char *relay = link->relays[link->relay_count];
	memcpy(relay, value, len); /* len is at most 255 */
	relay[len] = '\0';
	if (memchr(value, 0, len) || link_relay_split(relay, host, &port))
		return LINK_STATUS_BAD_RELAY;
	link->relay_count++;
	return LINK_STATUS_OK;
}

/* Where the bytes of a field of fixed length are kept. */
void *link_place(struct link *link, unsigned field)
{
	switch (field) {
	case LINK_FIELD_RELAY_KEY:
		return link->relay_key;
	case LINK_FIELD_ROUTE:
		return link->route;
	case LINK_FIELD_DEVICE_KEY:
		return link->device_key;
	case LINK_FIELD_PSK:
		return link->psk;
	case LINK_FIELD_INVITATION_ID:
		return link->invitation_id;
	case LINK_FIELD_SECRET:
		return link->secret;
	default: /* LINK_FIELD_EXPIRES, little-endian like the host (bytes.h) */
		return &link->expires_s;
	}
}

/* Version and fields, for links of any kind. */
static int parse_body(struct link *link, const uint8_t *body, size_t len, struct link_error *error)
{
	unsigned seen = 0;
	const uint8_t kind_bit = (uint8_t)(1u << link->kind);

	if (len == 0)
		return fail(link, error, LINK_STATUS_CHECKSUM, 0);
	if (body[0] != LINK_VERSION)
		return fail(link, error, LINK_STATUS_VERSION, body[0]);
	for (size_t at = 1; at < len;) {
		uint8_t tag = (uint8_t)(body[at] & ~LINK_CRITICAL);
		if (len - at < 2 || len - at - 2 < body[at + 1])
			return fail(link, error, LINK_STATUS_MALFORMED, tag);
		const uint8_t *value = body + at + 2;
		uint8_t value_len = body[at + 1];
		bool known = tag < LINK_FIELDS_END && link_field_rules[tag].may & kind_bit;
		if (!known && body[at] & LINK_CRITICAL)
			return fail(link, error, LINK_STATUS_UNKNOWN_CRITICAL, tag);
		at += 2 + (size_t)value_len;
		if (!known)
			continue;
		if (tag == LINK_FIELD_RELAY) {
			enum link_status status = add_relay(link, value, value_len);
			if (status != LINK_STATUS_OK)
				return fail(link, error, status, tag);
		} else if (seen & 1u << tag) {
			return fail(link, error, LINK_STATUS_REPEATED, tag);
		} else if (value_len != link_field_rules[tag].bytes) {
			return fail(link, error, LINK_STATUS_BAD_LENGTH, tag);
		} else {
			memcpy(link_place(link, tag), value, value_len);
		}
		seen |= 1u << tag;
	}
	for (unsigned tag = 1; tag < LINK_FIELDS_END; tag++)
		if (link_field_rules[tag].needs & kind_bit && !(seen & 1u << tag))
			return fail(link, error, LINK_STATUS_MISSING, (uint8_t)tag);
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_alphabet(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* Which link text is, by its first characters; *skip = how many they are. 0 = none. */
static enum link_kind kind_of(const char *text, size_t len, size_t *skip)
{
	for (enum link_kind kind = LINK_INVITE; kind <= LINK_CONTACT; kind++) {
		char prefix[sizeof LINK_SCHEME + 8];
		int prefix_len =
			snprintf(prefix, sizeof prefix, LINK_SCHEME "%s/", kinds[kind].word);
		if (len >= (size_t)prefix_len && memcmp(text, prefix, (size_t)prefix_len) == 0) {
			*skip = (size_t)prefix_len;
			return kind;
		}
	}
	return 0;
}

int link_parse(const char *text, size_t len, enum link_kind kind, struct link *link,
	struct link_error *error)
{
	uint8_t binary[LINK_BINARY_BYTES_MAX], sum[LINK_CHECKSUM_BYTES];
	size_t skip = 0, binary_len = 0;

	link_wipe(link);
	*error = (struct link_error){ LINK_STATUS_OK, 0 };
	while (len > 0 && is_space(text[0]))
		text++, len--;
	while (len > 0 && is_space(text[len - 1]))
		len--;
	link->kind = kind_of(text, len, &skip);
	if (!link->kind)
		return fail(link, error, LINK_STATUS_NOT_A_LINK, 0);
	if (kind && link->kind != kind)
		return fail(link, error, kinds[link->kind].not_wanted, 0);
	text += skip, len -= skip;
	if (len / 4 * 3 + len % 4 * 3 / 4 > sizeof binary)
		return fail(link, error, LINK_STATUS_TOO_LONG, 0);
	if (!is_alphabet(text, len))
		return fail(link, error, LINK_STATUS_BAD_CHARACTER, 0);
	/* Fails also at a last character that stands alone or whose spare bits are not zero: what
	 * is left of a link cut off. */
	if (sodium_base642bin(binary, sizeof binary, text, len, NULL, &binary_len, NULL,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
		binary_len < sizeof sum)
		return fail(link, error, LINK_STATUS_CHECKSUM, 0);
	size_t body_len = binary_len - sizeof sum;
	link_checksum(link->kind, binary, body_len, sum);
	int result = memcmp(sum, binary + body_len, sizeof sum)
			     ? fail(link, error, LINK_STATUS_CHECKSUM, 0)
			     : parse_body(link, binary, body_len, error);
	sodium_memzero(binary, sizeof binary);
	return result;
}

void link_error_text(const struct link_error *error, char text[LINK_ERROR_BYTES])
{
	static const char *const texts[] = {
#define X(name, sentence) [LINK_STATUS_##name] = sentence,
		LINK_STATUSES(X)
#undef X
	};
	const char *sentence = texts[error->status], *gap = strchr(sentence, '%');
	char number[8];
	const char *filling = number;

	snprintf(number, sizeof number, "%u", error->field);
	if (gap && gap[1] == 's')
		filling = error->field < LINK_FIELDS_END ? link_field_rules[error->field].text
							 : "field";
	if (gap)
		snprintf(text, LINK_ERROR_BYTES, "%.*s%s%s", (int)(gap - sentence), sentence,
			filling, gap + 2);
	else
		snprintf(text, LINK_ERROR_BYTES, "%s", sentence);
}

int hello_read(const uint8_t *data, size_t len, const uint8_t sender[WIRE_KEY_BYTES],
	const uint8_t psk[WIRE_KEY_BYTES], struct link *link, struct link_error *error)
{
	link_wipe(link);
	*error = (struct link_error){ LINK_STATUS_OK, 0 };
	link->kind = LINK_HELLO;
	if (parse_body(link, data, len, error))
		return -EINVAL;
	link->kind = LINK_CONTACT;
	memcpy(link->device_key, sender, WIRE_KEY_BYTES);
	memcpy(link->psk, psk, WIRE_KEY_BYTES);
	return 0;
}
