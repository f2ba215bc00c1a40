#include "src/device/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { VERSION = 1 };

void device_outbox_key(const struct device_contact *contact, uint64_t number, unsigned part,
	char key[DEVICE_OUTBOX_KEY_BYTES])
{
	snprintf(key, DEVICE_OUTBOX_KEY_BYTES, "outbox-%016" PRIx64 "-%02x-%s", number, part & 0xff,
		contact->name);
}

void device_outbox_checksum(
	const struct device_outbox_head *head, const void *cells, size_t len, uint8_t checksum[16])
{
	crypto_generichash_state hash;

	crypto_generichash_init(&hash, NULL, 0, sizeof head->checksum);
	crypto_generichash_update(
		&hash, (const uint8_t *)head, offsetof(struct device_outbox_head, checksum));
	crypto_generichash_update(&hash, cells, len);
	crypto_generichash_final(&hash, checksum, sizeof head->checksum);
}

/* ---- The list ---- */

static struct device_kept *find(const struct device_contact *contact, uint64_t number)
{
	struct device_kept *kept;

	for (kept = TAILQ_FIRST(&contact->kept); kept; kept = TAILQ_NEXT(kept, link))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
		if (kept->number == number)
			return kept;
	return NULL;
}

const void *device_outbox_cell(
	const struct device_contact *contact, uint64_t number, uint16_t index, size_t *len)
{
	const struct device_kept *kept = find(contact, number);
	size_t before = (size_t)index * DEVICE_CELL_BYTES;

	if (!kept || index >= kept->fragments)
		return NULL;
	*len = kept->len - before < DEVICE_CELL_BYTES ? kept->len - before : DEVICE_CELL_BYTES;
	return kept->cells + before;
}

void device_outbox_insert(struct device_contact *contact, struct device_kept *kept)
{
	struct device_kept *before = TAILQ_LAST(&contact->kept, device_kept_list);

	while (before && before->number > kept->number)
		before = TAILQ_PREV(before, device_kept_list, link);
	if (before)
		TAILQ_INSERT_AFTER(&contact->kept, before, kept, link);
	else
		TAILQ_INSERT_HEAD(&contact->kept, kept, link);
}

static void take_out(struct device_contact *contact, struct device_kept *kept)
{
	TAILQ_REMOVE(&contact->kept, kept, link);
	free(kept);
}

void device_outbox_free(struct device_contact *contact)
{
	struct device_kept *kept, *next;

	for (kept = TAILQ_FIRST(&contact->kept); kept; kept = next) {
		next = TAILQ_NEXT(kept, link);
		free(kept);
	}
	TAILQ_INIT(&contact->kept);
}

/* ---- The storage ---- */

static unsigned parts_of(unsigned fragments)
{
	return (fragments + DEVICE_OUTBOX_PART_CELLS - 1) / DEVICE_OUTBOX_PART_CELLS;
}

static int put_part(
	const struct device_contact *contact, const struct device_kept *kept, unsigned part)
{
	size_t before = (size_t)part * DEVICE_OUTBOX_PART_CELLS * DEVICE_CELL_BYTES;
	size_t len = kept->len - before, most = DEVICE_OUTBOX_PART_CELLS * DEVICE_CELL_BYTES;
	struct device_outbox_head head = {
		.version = VERSION,
		.type = (uint8_t)kept->type,
		.part = (uint8_t)part,
		.fragments = put16(kept->fragments),
		.number = put64(kept->number),
		.kept_s = put64(kept->kept_s),
	};
	char key[DEVICE_OUTBOX_KEY_BYTES];
	uint8_t *value = malloc(DEVICE_OUTBOX_VALUE_BYTES);
	int err;

	if (!value)
		return -ENOMEM;
	len = len < most ? len : most;
	device_outbox_checksum(&head, kept->cells + before, len, head.checksum);
	memcpy(value, &head, sizeof head);
	memcpy(value + sizeof head, kept->cells + before, len);
	device_outbox_key(contact, kept->number, part, key);
	err = device_stored_put(contact->chappe, key, value, sizeof head + len);
	free(value);
	return err;
}

/* Part 0 first: whatever fails then, what is left is none any more. */
static int remove_parts(
	const struct device_contact *contact, uint64_t number, unsigned from, unsigned to)
{
	char key[DEVICE_OUTBOX_KEY_BYTES];
	int err = 0;

	for (unsigned part = from; part < to; part++) {
		device_outbox_key(contact, number, part, key);
		if (device_stored_remove(contact->chappe, key))
			err = -EIO;
		if (err && part == 0)
			break;
	}
	return err;
}

static int put_all(const struct device_contact *contact, const struct device_kept *kept)
{
	for (unsigned part = parts_of(kept->fragments); part-- > 0;) {
		int err = put_part(contact, kept, part);
		if (err)
			return err;
	}
	return 0;
}

/* ---- Sealing ---- */

/* Under an ephemeral key of its own, drawn and forgotten: who finds the cells and this device's
 * keys can't open them, nor try whether they hold what he guesses. */
static int seal_cell(const struct device_contact *contact, const struct message_frame *frame,
	struct device_kept *kept, enum seal_type *type)
{
	union {
		struct wire_inner inner;
		uint8_t bytes[DEVICE_CELL_BYTES];
	} cell = { .inner = { .kind = WIRE_STORED,
			   .ttl = frame->way.ttl,
			   .frame_id = put64(frame->frame_id) } };
	size_t len = sizeof cell.inner + frame->plain_len + SEAL_OVERHEAD_BYTES;
	int err;

	memcpy(cell.inner.route, contact->peer_route, sizeof cell.inner.route);
	err = seal_payload(&contact->own, contact->peer_key, contact->psk, &cell.inner,
		&frame->plain, frame->plain_len);
	if (err)
		return err; /* the peer's key is no key */
	memcpy(kept->cells + kept->len, &cell, len);
	kept->len += len;
	*type = (enum seal_type)frame->plain.type;
	return 0;
}

static struct device_kept *seal_all(const struct device_contact *contact, uint64_t number,
	uint16_t fragments, const struct outgoing *message, int *err)
{
	struct device_kept *kept = malloc(sizeof *kept + (size_t)fragments * DEVICE_CELL_BYTES);
	struct message_frame frame;

	*err = kept ? 0 : -ENOMEM;
	if (!kept)
		return NULL;
	*kept = (struct device_kept){
		.number = number,
		.fragments = fragments,
		.kept_s = (uint64_t)time(NULL),
	};
	for (uint16_t i = 0; i < fragments && !*err; i++) {
		message_fill(message, i, &frame);
		*err = seal_cell(contact, &frame, kept, &kept->type);
	}
	sodium_memzero(&frame, sizeof frame);
	if (!*err)
		return kept;
	free(kept);
	return NULL;
}

/* ---- What the message layer calls ---- */

int device_outbox_keep(
	void *context, uint64_t number, uint16_t fragments, const struct outgoing *message)
{
	struct device_contact *contact = context;
	struct device_kept *before = find(contact, number), *kept;
	int err;

	if (!device_contact_open(contact))
		return -EINVAL;
	kept = seal_all(contact, number, fragments, message, &err);
	if (!kept)
		return err;
	err = put_all(contact, kept);
	if (err) {
		if (!before)
			(void)remove_parts(contact, number, 0, parts_of(fragments));
		free(kept);
		return err;
	}
	if (before) {
		(void)remove_parts(
			contact, number, parts_of(fragments), parts_of(before->fragments));
		take_out(contact, before);
	}
	device_outbox_insert(contact, kept);
	return 0;
}

/* What can't be removed is sent once more after the next start, and known to the relay or to the
 * contact. */
void device_outbox_discard(void *context, uint64_t number)
{
	struct device_contact *contact = context;
	struct device_kept *kept = find(contact, number);

	if (!kept)
		return;
	if (remove_parts(contact, number, 0, parts_of(kept->fragments)))
		device_emit_error(contact->chappe, contact->name, CHAPPE_ERR_STORAGE);
	take_out(contact, kept);
}

void device_outbox_forget(struct device_contact *contact)
{
	const struct device_kept *kept;

	while ((kept = TAILQ_FIRST(&contact->kept)))
		device_outbox_discard(contact, kept->number);
}
