#include "link_fields.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

static size_t put_field(uint8_t *out, unsigned tag, const void *value, size_t len)
{
	out[0] = (uint8_t)(tag | (link_field_rules[tag].critical ? LINK_CRITICAL : 0));
	out[1] = (uint8_t)len;
	memcpy(out + 2, value, len);
	return 2 + len;
}

/* Version and fields in the order of their tags. out has size bytes. */
static int format_body(
	const struct link *link, enum link_kind kind, uint8_t *out, size_t size, size_t *len)
{
	struct link copy = *link;
	size_t at = 1;
	int result = 0;

	out[0] = LINK_VERSION;
	if (link->relay_count == 0 || link->relay_count > LINK_RELAYS_MAX)
		result = -EINVAL;
	for (unsigned n = 0; !result && n < link->relay_count; n++) {
		char host[LINK_HOST_BYTES];
		uint16_t port;
		size_t relay_len = strnlen(link->relays[n], LINK_RELAY_BYTES);
		if (relay_len == LINK_RELAY_BYTES || link_relay_split(link->relays[n], host, &port))
			result = -EINVAL;
		else if (at + 2 + relay_len > size)
			result = -ENOSPC;
		else
			at += put_field(out + at, LINK_FIELD_RELAY, link->relays[n], relay_len);
	}
	for (unsigned tag = LINK_FIELD_RELAY + 1; !result && tag < LINK_FIELDS_END; tag++) {
		bool wanted = link_field_rules[tag].needs & 1u << kind ||
			      (link_field_rules[tag].may & 1u << kind && link->expires_s);
		if (!wanted)
			continue;
		if (at + 2 + link_field_rules[tag].bytes > size)
			result = -ENOSPC;
		else
			at += put_field(
				out + at, tag, link_place(&copy, tag), link_field_rules[tag].bytes);
	}
	link_wipe(&copy);
	*len = at;
	return result;
}

int link_format(const struct link *link, char text[LINK_TEXT_BYTES])
{
	uint8_t binary[LINK_BINARY_BYTES_MAX];
	size_t len;

	if (link->kind != LINK_INVITE && link->kind != LINK_CONTACT)
		return -EINVAL;
	int result =
		format_body(link, link->kind, binary, sizeof binary - LINK_CHECKSUM_BYTES, &len);
	if (!result) {
		link_checksum(link->kind, binary, len, binary + len);
		len += LINK_CHECKSUM_BYTES;
		int prefix = snprintf(
			text, LINK_TEXT_BYTES, LINK_SCHEME "%s/", link_kind_word(link->kind));
		sodium_bin2base64(text + prefix, LINK_TEXT_BYTES - (size_t)prefix, binary, len,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	}
	sodium_memzero(binary, sizeof binary);
	return result;
}

int hello_write(const struct link *own, uint8_t out[LINK_HELLO_BYTES_MAX], size_t *len)
{
	return format_body(own, LINK_HELLO, out, LINK_HELLO_BYTES_MAX, len);
}
