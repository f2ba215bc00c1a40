/* Invitations and contact links (docs/protocol.md, links):
 *
 *   chappe:invite/BASE64URL     what an operator hands a new device
 *   chappe:contact/BASE64URL    what two people exchange, for single use
 *
 * BASE64URL (RFC 4648, section 5, no padding) holds: version u8 = 1, fields, checksum 8. A field is
 * tag u8, len u8, len bytes. Bit 7 of the tag marks it critical: a reader that does not know a
 * critical field refuses the link, one it does not know and that is not critical it ignores. The
 * checksum is the first 8 bytes of BLAKE2b-128("chappe link" || kind word || 0 || version and
 * fields), against mistyping and cutting off; it authenticates nothing. Both kinds of link are
 * secrets until used: whoever reads one may use it first.
 *
 * A hello (seal type 3) is the same version and fields without base64 and checksum, see
 * hello_write(). */
#ifndef CHAPPE_LINK_H
#define CHAPPE_LINK_H

#include "wire.h"

enum {
	LINK_VERSION = 1,
	LINK_RELAYS_MAX = 8,
	LINK_RELAY_BYTES = 256, /* "host:port" or "[ipv6]:port" with its terminator */
	LINK_HOST_BYTES = 254,  /* a DNS name (253) with its terminator */
	LINK_CHECKSUM_BYTES = 8,
	LINK_BINARY_BYTES_MAX = 1024,
	LINK_TEXT_BYTES = 16 + LINK_BINARY_BYTES_MAX * 4 / 3 + 4, /* with terminator */
	LINK_ERROR_BYTES = 160,                                   /* of link_error_text() */
	LINK_HELLO_BYTES_MAX = 1000,                              /* fits one large cell */

	SAS_BYTES = 6 * 6, /* six groups of five digits, spaces between, terminator */
};

enum link_kind {
	LINK_INVITE = 1,
	LINK_CONTACT = 2,
	LINK_HELLO = 3, /* in sealed payloads only, never as text */
};

/* name, tag without the critical bit, critical, bytes (0: any), kinds that need it (bit 1 << kind),
 * kinds that may have it, what people call it */
#define LINK_FIELDS(X)                                                                             \
	X(RELAY, 1, true, 0, 0xe, 0xe, "relay address")                                            \
	X(RELAY_KEY, 2, true, 32, 0xe, 0xe, "relay key")                                           \
	X(ROUTE, 3, true, 16, 0xc, 0xc, "route")                                                   \
	X(DEVICE_KEY, 4, true, 32, 0x4, 0x4, "recipient key")                                      \
	X(PSK, 5, true, 32, 0x4, 0x4, "shared secret")                                             \
	X(INVITATION_ID, 6, true, 16, 0x2, 0x2, "invitation id")                                   \
	X(SECRET, 7, true, 32, 0x2, 0x2, "one-time secret")                                        \
	X(EXPIRES, 8, false, 8, 0, 0x6, "expiry")

enum link_field {
#define X(name, tag, critical, bytes, needs, may, text) LINK_FIELD_##name = tag,
	LINK_FIELDS(X)
#undef X
};

struct link {
	enum link_kind kind;
	unsigned relay_count;                           /* 1 to LINK_RELAYS_MAX */
	char relays[LINK_RELAYS_MAX][LINK_RELAY_BYTES]; /* all of one relay, in order of trial */
	uint8_t relay_key[WIRE_KEY_BYTES];
	/* contact and hello: how to reach the device that made it */
	uint8_t route[WIRE_ROUTE_BYTES];
	uint8_t device_key[WIRE_KEY_BYTES];
	uint8_t psk[WIRE_KEY_BYTES];
	/* invite */
	uint8_t invitation_id[WIRE_INVITATION_ID_BYTES];
	uint8_t secret[WIRE_KEY_BYTES];
	uint64_t expires_s; /* Unix time, 0 = never; who parses a link compares it with the clock */
};

/* status, text; a text with %u gets the number, one with %s the name, of struct link_error.field */
#define LINK_STATUSES(X)                                                                           \
	X(OK, "ok")                                                                                \
	X(NOT_A_LINK, "not a chappe link: it should begin with chappe:invite/ or chappe:contact/") \
	X(WANTED_INVITE, "this is a contact link, not an invitation: use 'contact add'")           \
	X(WANTED_CONTACT, "this is an invitation, not a contact link: use 'join'")                 \
	X(BAD_CHARACTER, "the link has a character that no link has: mistyped or cut in two")      \
	X(CHECKSUM, "the checksum does not match: the link is mistyped or cut off")                \
	X(VERSION, "the link is of version %u, made by a newer Chappe: update this one")           \
	X(UNKNOWN_CRITICAL, "the link needs field %u, which this version does not know: update")   \
	X(MALFORMED, "the link is malformed at field %u")                                          \
	X(BAD_LENGTH, "the link's %s has a wrong length")                                          \
	X(BAD_RELAY, "the link's %s is not host:port")                                             \
	X(REPEATED, "the link has its %s twice")                                                   \
	X(MISSING, "the link lacks its %s")                                                        \
	X(TOO_MANY_RELAYS, "the link has more relay addresses than the 8 it may have")             \
	X(TOO_LONG, "the link is too long")

enum link_status {
#define X(name, text) LINK_STATUS_##name,
	LINK_STATUSES(X)
#undef X
};

struct link_error {
	enum link_status status;
	uint8_t field; /* tag without the critical bit, or the version */
};

/* Parses the len bytes at text; white space around them is ignored. kind is what the caller wants,
 * 0 = either. Returns 0, or -EINVAL with *error filled and *link wiped. *link holds secrets: wipe
 * it with link_wipe(). */
int link_parse(const char *text, size_t len, enum link_kind kind, struct link *link,
	struct link_error *error) __attribute__((warn_unused_result));

/* Writes the text of an invitation or contact link with its terminator. Returns 0; -EINVAL for what
 * link_parse() would refuse; -ENOSPC if it would be longer than a link may be. */
int link_format(const struct link *link, char text[LINK_TEXT_BYTES])
	__attribute__((warn_unused_result));

void link_wipe(struct link *link);

/* One sentence for people, without a full stop. */
void link_error_text(const struct link_error *error, char text[LINK_ERROR_BYTES]);

/* Splits "host:port" or "[ipv6]:port"; host comes without brackets. Returns 0 or -EINVAL. */
int link_relay_split(const char *relay, char host[LINK_HOST_BYTES], uint16_t *port)
	__attribute__((warn_unused_result));

/* The hello: version u8 and the fields relay (1 or more), relay key and route, by which the other
 * side reaches the device that sends it. Its key is the one the frame was sealed with, its psk that
 * of the link it answers: neither is in it. */
int hello_write(const struct link *own, uint8_t out[LINK_HELLO_BYTES_MAX], size_t *len)
	__attribute__((warn_unused_result));

/* Reads a hello into *link (kind LINK_CONTACT) with the sender's key and the psk it came under.
 * Returns 0 or -EINVAL with *error filled and *link wiped. */
int hello_read(const uint8_t *data, size_t len, const uint8_t sender[WIRE_KEY_BYTES],
	const uint8_t psk[WIRE_KEY_BYTES], struct link *link, struct link_error *error)
	__attribute__((warn_unused_result));

/* The short authentication string of two devices, the same on both: "01234 56789 ...". Digest =
 * BLAKE2b-256("chappe sas 1" || lower key || higher key || psk), keys compared as byte strings;
 * group n (0 to 5) is bytes 5n to 5n+4 as a big-endian number, modulo 100,000. */
void sas_text(const uint8_t key_a[WIRE_KEY_BYTES], const uint8_t key_b[WIRE_KEY_BYTES],
	const uint8_t psk[WIRE_KEY_BYTES], char text[SAS_BYTES]);

#endif
