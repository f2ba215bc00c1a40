#include "src/device/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char prefix[] = "outbox-";

struct outbox_key {
	uint64_t number;
	unsigned part;
	bool taken;
	char name[CHAPPE_NAME_MAX_BYTES + 1];
};

struct device_outbox_keys {
	struct outbox_key *keys; /* by number, then part */
	size_t count, size;
	bool no_memory;
};

/* ---- What there is ---- */

static bool parse_hex(const char *text, size_t digits, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < digits; i++) {
		char c = text[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		*number = *number << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

/* outbox-NNNNNNNNNNNNNNNN-PP-NAME; others are none of ours. */
static bool parse_key(const char *text, struct outbox_key *key)
{
	uint64_t part;

	text += sizeof prefix - 1;
	*key = (struct outbox_key){ 0 };
	if (!parse_hex(text, 16, &key->number) || text[16] != '-' ||
		!parse_hex(text + 17, 2, &part) || text[19] != '-' ||
		!device_contact_name_ok(text + 20))
		return false;
	key->part = (unsigned)part;
	snprintf(key->name, sizeof key->name, "%s", text + 20);
	return true;
}

static void found(void *context, const char *text)
{
	struct device_outbox_keys *keys = context;
	struct outbox_key key;

	if (!parse_key(text, &key))
		return;
	if (keys->count == keys->size) {
		size_t size = keys->size * 2 + 32;
		struct outbox_key *more = realloc(keys->keys, size * sizeof *more);
		if (!more) {
			keys->no_memory = true;
			return;
		}
		keys->keys = more;
		keys->size = size;
	}
	keys->keys[keys->count++] = key;
}

static int compare(const void *a, const void *b)
{
	const struct outbox_key *one = a, *other = b;

	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	return (one->part > other->part) - (one->part < other->part);
}

enum chappe_error device_outbox_list(struct chappe *c, struct device_outbox_keys **listed)
{
	struct device_outbox_keys *keys = calloc(1, sizeof *keys);

	*listed = keys;
	if (!keys)
		return CHAPPE_ERR_NO_MEMORY;
	if (device_stored_list(c, prefix, found, keys))
		return CHAPPE_ERR_STORAGE;
	if (keys->no_memory)
		return CHAPPE_ERR_NO_MEMORY;
	if (keys->count)
		qsort(keys->keys, keys->count, sizeof *keys->keys, compare);
	return CHAPPE_OK;
}

void device_outbox_free_keys(struct device_outbox_keys *keys)
{
	if (keys)
		free(keys->keys);
	free(keys);
}

void device_outbox_sweep(struct chappe *c, struct device_outbox_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		struct device_contact of = { 0 };
		char key[DEVICE_OUTBOX_KEY_BYTES];
		if (keys->keys[i].taken)
			continue;
		snprintf(of.name, sizeof of.name, "%s", keys->keys[i].name);
		device_outbox_key(&of, keys->keys[i].number, keys->keys[i].part, key);
		device_stored_remove(c, key); /* else at the next start */
	}
	device_outbox_free_keys(keys);
}

/* ---- One message ---- */

struct reader {
	struct device_contact *contact;
	struct device_kept *kept;
	uint8_t value[DEVICE_OUTBOX_VALUE_BYTES];
	uint64_t frame_ids[SEAL_FRAGMENTS_MAX];
};

static bool head_ok(const struct device_outbox_head *head, uint64_t number, unsigned part,
	const uint8_t *cells, size_t len)
{
	uint8_t checksum[16];

	device_outbox_checksum(head, cells, len, checksum);
	return head->version == 1 && head->part == part && get64(head->number) == number &&
	       get16(head->fragments) > 0 && get16(head->fragments) <= SEAL_FRAGMENTS_MAX &&
	       memcmp(head->checksum, checksum, sizeof checksum) == 0;
}

/* The cells of a part are full, but for the last of the message, which may be small. */
static bool len_ok(unsigned fragments, unsigned part, size_t len)
{
	size_t left = fragments - part * DEVICE_OUTBOX_PART_CELLS;
	size_t small = WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES;

	if (left > DEVICE_OUTBOX_PART_CELLS)
		return len == DEVICE_OUTBOX_PART_CELLS * DEVICE_CELL_BYTES;
	return len == left * DEVICE_CELL_BYTES || len == (left - 1) * DEVICE_CELL_BYTES + small;
}

static enum chappe_error read_part(struct reader *reader, uint64_t number, unsigned part)
{
	struct device_kept *kept = reader->kept;
	struct device_outbox_head head;
	char key[DEVICE_OUTBOX_KEY_BYTES];
	ssize_t n;
	size_t len;

	device_outbox_key(reader->contact, number, part, key);
	n = device_stored_get(reader->contact->chappe, key, reader->value, sizeof reader->value);
	if (n < 0 && n != -EMSGSIZE && n != -ENOENT)
		return CHAPPE_ERR_STORAGE;
	if (n < (ssize_t)sizeof head)
		return CHAPPE_ERR_DAMAGED;
	memcpy(&head, reader->value, sizeof head);
	len = (size_t)n - sizeof head;
	if (!head_ok(&head, number, part, reader->value + sizeof head, len) ||
		!len_ok(get16(head.fragments), part, len))
		return CHAPPE_ERR_DAMAGED;
	if (part == 0) {
		kept->number = number;
		kept->type = (enum seal_type)head.type;
		kept->kept_s = get64(head.kept_s);
		kept->fragments = get16(head.fragments);
	} else if (kept->fragments != get16(head.fragments)) {
		return CHAPPE_ERR_DAMAGED;
	}
	memcpy(kept->cells + kept->len, reader->value + sizeof head, len);
	kept->len += len;
	return CHAPPE_OK;
}

/* False where one is none, or not to this contact's route. */
static bool read_frame_ids(struct reader *reader)
{
	for (uint16_t i = 0; i < reader->kept->fragments; i++) {
		struct wire_inner inner;
		memcpy(&inner, reader->kept->cells + (size_t)i * DEVICE_CELL_BYTES, sizeof inner);
		if (inner.kind != WIRE_STORED ||
			memcmp(inner.route, reader->contact->peer_route, sizeof inner.route) != 0)
			return false;
		reader->frame_ids[i] = get64(inner.frame_id);
	}
	return true;
}

static enum chappe_error restore(struct reader *reader)
{
	struct device_kept *kept = reader->kept, *exact;
	const struct message_kept of = {
		.number = kept->number,
		.type = kept->type,
		.fragments = kept->fragments,
		.small_end = kept->len < (size_t)kept->fragments * DEVICE_CELL_BYTES,
		.frame_ids = reader->frame_ids,
	};

	exact = malloc(sizeof *exact + kept->len);
	if (!exact)
		return CHAPPE_ERR_NO_MEMORY;
	memcpy(exact, kept, sizeof *exact + kept->len);
	device_outbox_insert(reader->contact, exact);
	switch (message_restore(reader->contact->messages, &of)) {
	case 0:
		return CHAPPE_OK;
	case -EALREADY:
		device_outbox_discard(reader->contact, of.number);
		return CHAPPE_OK;
	case -ENOMEM:
		return CHAPPE_ERR_NO_MEMORY;
	default:
		return CHAPPE_ERR_DAMAGED;
	}
}

/* keys: those of the message, part 0 first, as many as there may be. */
static enum chappe_error read_message(
	struct reader *reader, struct outbox_key **keys, unsigned count)
{
	unsigned parts;
	enum chappe_error error;

	reader->kept->len = 0;
	error = read_part(reader, keys[0]->number, 0);
	if (error)
		return error;
	parts = (reader->kept->fragments + DEVICE_OUTBOX_PART_CELLS - 1u) /
		DEVICE_OUTBOX_PART_CELLS;
	for (unsigned part = 1; part < parts && !error; part++)
		error = read_part(reader, keys[0]->number, part);
	if (error)
		return error;
	/* to another route, which the contact has replaced: it will never have it */
	if (!reader->contact->has_peer_route || !read_frame_ids(reader)) {
		device_emit(reader->contact->chappe,
			&(struct chappe_event){ .type = CHAPPE_EVENT_NOT_ACCEPTED,
				.error = CHAPPE_ERR_NOT_ACCEPTED,
				.contact = reader->contact->name,
				.message = keys[0]->number });
		return CHAPPE_OK;
	}
	for (unsigned i = 0; i < count; i++)
		keys[i]->taken = keys[i]->part < parts;
	return restore(reader);
}

static enum chappe_error read_all(struct reader *reader, struct device_outbox_keys *keys)
{
	enum chappe_error error = CHAPPE_OK;
	struct outbox_key *of[256];

	for (size_t i = 0; i < keys->count && !error; i++) {
		unsigned count = 0;
		if (keys->keys[i].part || strcmp(keys->keys[i].name, reader->contact->name) != 0)
			continue;
		for (size_t k = i; k < keys->count && keys->keys[k].number == keys->keys[i].number;
			k++)
			if (count < 256 && strcmp(keys->keys[k].name, keys->keys[i].name) == 0)
				of[count++] = &keys->keys[k];
		error = read_message(reader, of, count);
	}
	return error;
}

enum chappe_error device_outbox_restore(
	struct device_contact *contact, struct device_outbox_keys *keys)
{
	struct reader *reader;
	enum chappe_error error;

	if (keys->count == 0)
		return CHAPPE_OK;
	reader = calloc(1, sizeof *reader);
	if (!reader)
		return CHAPPE_ERR_NO_MEMORY;
	reader->contact = contact;
	reader->kept = calloc(
		1, sizeof *reader->kept + (size_t)(SEAL_FRAGMENTS_MAX + DEVICE_OUTBOX_PART_CELLS) *
						  DEVICE_CELL_BYTES);
	error = reader->kept ? read_all(reader, keys) : CHAPPE_ERR_NO_MEMORY;
	free(reader->kept);
	free(reader);
	return error;
}
