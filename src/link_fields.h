/* What reading and writing links share (link.c, link_write.c). */
#ifndef CHAPPE_LINK_FIELDS_H
#define CHAPPE_LINK_FIELDS_H

#include "link.h"

#define LINK_SCHEME "chappe:"

enum { LINK_CRITICAL = 0x80, LINK_FIELDS_END = 1 + 8 /* highest tag known */ };

/* LINK_FIELDS by tag. */
struct link_field_rule {
	const char *text;
	bool critical;
	uint8_t bytes, needs, may;
};
extern const struct link_field_rule link_field_rules[LINK_FIELDS_END];

/* "invite" or "contact". */
const char *link_kind_word(enum link_kind kind);
void link_checksum(
	enum link_kind kind, const uint8_t *body, size_t len, uint8_t sum[LINK_CHECKSUM_BYTES]);
/* Where the bytes of a field of fixed length are kept. */
void *link_place(struct link *link, unsigned field);

#endif
