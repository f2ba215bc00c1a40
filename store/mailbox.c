#include "mailbox_finder.h"
#include "mailbox_private.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

enum { TABLE_FIRST = 1024 };

struct mailboxes *mailboxes_create(uint32_t devices_max)
{
	struct mailboxes *boxes = calloc(1, sizeof *boxes);

	if (!boxes)
		return NULL;
	boxes->table = malloc(TABLE_FIRST * sizeof *boxes->table);
	if (!boxes->table || mailboxes_set_devices(boxes, devices_max) < 0) {
		mailboxes_destroy(boxes);
		return NULL;
	}
	randombytes_buf(boxes->secret, sizeof boxes->secret);
	boxes->secret[2] |= 1;
	boxes->free = MAILBOX_NONE;
	boxes->table_size = TABLE_FIRST;
	memset(boxes->table, 0xff, TABLE_FIRST * sizeof *boxes->table);
	return boxes;
}

void mailboxes_destroy(struct mailboxes *boxes)
{
	if (!boxes)
		return;
	for (uint32_t i = 0; i < boxes->places; i++)
		if (mailbox_at(boxes, i))
			mailbox_free_entries(mailbox_at(boxes, i));
	for (uint32_t i = 0; i < boxes->chunk_count; i++) {
		sodium_memzero(boxes->chunks[i], MAILBOX_CHUNK * sizeof **boxes->chunks);
		free(boxes->chunks[i]);
	}
	free(boxes->chunks);
	free(boxes->table);
	free(boxes->devices);
	free(boxes);
}

uint32_t mailboxes_count(const struct mailboxes *boxes)
{
	return boxes->count;
}

struct mailbox_load mailboxes_load(const struct mailboxes *boxes)
{
	return boxes->load;
}

uint32_t mailboxes_places(const struct mailboxes *boxes)
{
	return boxes->places;
}

struct mailbox *mailbox_at(const struct mailboxes *boxes, uint32_t place)
{
	struct mailbox *box = mailbox_of(boxes, place);

	return box->count > 0 ? box : NULL;
}

/* Where a route is in the table, or would be. */
static uint32_t probe(const struct mailboxes *boxes, const uint8_t *route)
{
	uint32_t at = mailbox_home(boxes, route);

	while (boxes->table[at] != MAILBOX_NONE &&
		memcmp(mailbox_of(boxes, boxes->table[at])->route, route, WIRE_ROUTE_BYTES) != 0)
		at = (at + 1) & (boxes->table_size - 1);
	return at;
}

uint32_t mailbox_place(const struct mailboxes *boxes, const struct mailbox *box)
{
	return boxes->table[probe(boxes, box->route)];
}

struct mailbox *mailbox_find(const struct mailboxes *boxes, const uint8_t *route)
{
	const uint32_t place = boxes->table[probe(boxes, route)];

	return place == MAILBOX_NONE ? NULL : mailbox_of(boxes, place);
}

static int grow_table(struct mailboxes *boxes)
{
	uint32_t *old = boxes->table;
	const uint32_t size = boxes->table_size;

	if ((uint64_t)boxes->count * 8 < (uint64_t)size * 5)
		return 0;
	boxes->table = malloc((size_t)size * 2 * sizeof *boxes->table);
	if (!boxes->table) {
		boxes->table = old;
		return -ENOMEM;
	}
	boxes->table_size = size * 2;
	memset(boxes->table, 0xff, (size_t)size * 2 * sizeof *boxes->table);
	for (uint32_t i = 0; i < size; i++)
		if (old[i] != MAILBOX_NONE)
			boxes->table[probe(boxes, mailbox_of(boxes, old[i])->route)] = old[i];
	free(old);
	return 0;
}

/* A gap in a run of probes is closed by those behind it whose home is not after it. */
static void remove_from_table(struct mailboxes *boxes, uint32_t gap)
{
	const uint32_t mask = boxes->table_size - 1;

	for (uint32_t at = (gap + 1) & mask; boxes->table[at] != MAILBOX_NONE;
		at = (at + 1) & mask) {
		const uint32_t wanted =
			mailbox_home(boxes, mailbox_of(boxes, boxes->table[at])->route);
		if (((at - wanted) & mask) < ((at - gap) & mask))
			continue;
		boxes->table[gap] = boxes->table[at];
		gap = at;
	}
	boxes->table[gap] = MAILBOX_NONE;
}

/* Puts a new chunk on the list of unused places. */
static int add_chunk(struct mailboxes *boxes)
{
	struct mailbox **chunks = realloc(boxes->chunks, (boxes->chunk_count + 1) * sizeof *chunks);

	if (!chunks)
		return -ENOMEM;
	boxes->chunks = chunks;
	chunks[boxes->chunk_count] = calloc(MAILBOX_CHUNK, sizeof **chunks);
	if (!chunks[boxes->chunk_count])
		return -ENOMEM;
	for (uint32_t i = MAILBOX_CHUNK; i-- > 0;) {
		chunks[boxes->chunk_count][i].next = boxes->free;
		boxes->free = boxes->chunk_count * MAILBOX_CHUNK + i;
	}
	boxes->chunk_count++;
	boxes->places += MAILBOX_CHUNK;
	return 0;
}

static struct mailbox *make(struct mailboxes *boxes, const uint8_t *route)
{
	if (grow_table(boxes) < 0 || (boxes->free == MAILBOX_NONE && add_chunk(boxes) < 0))
		return NULL;
	const uint32_t place = boxes->free;
	struct mailbox *box = mailbox_of(boxes, place);
	boxes->free = box->next;
	*box = (struct mailbox){ .device = MAILBOX_NO_DEVICE, .next = MAILBOX_NONE };
	memcpy(box->route, route, sizeof box->route);
	boxes->table[probe(boxes, route)] = place;
	boxes->count++;
	return box;
}

static void discard(struct mailboxes *boxes, struct mailbox *box)
{
	const uint32_t at = probe(boxes, box->route), place = boxes->table[at];

	mailbox_leave_device(boxes, box);
	remove_from_table(boxes, at);
	mailbox_free_entries(box);
	sodium_memzero(box, sizeof *box);
	box->next = boxes->free;
	boxes->free = place;
	boxes->count--;
}

static void count_one(struct mailboxes *boxes, struct mailbox *box, uint64_t entry, int by)
{
	const uint32_t n = (uint32_t)by, large = mailbox_large(entry) ? n : 0;

	box->count += n;
	box->large += large;
	boxes->load.count += n;
	boxes->load.large += large;
	if (box->device == MAILBOX_NO_DEVICE)
		return;
	struct mailbox_device *device = &boxes->devices[box->device];
	device->load.count += n;
	device->load.large += large;
}

int mailbox_put(struct mailboxes *boxes, struct mailbox **box, const uint8_t *route, uint64_t entry,
	uint64_t frame_id)
{
	if (!*box)
		*box = make(boxes, route);
	if (!*box)
		return -ENOMEM;
	const int result = mailbox_append(*box, entry, mailbox_hash(boxes, frame_id));
	if (result == 0)
		count_one(boxes, *box, entry, 1);
	else if ((*box)->count == 0)
		discard(boxes, *box);
	return result;
}

int mailbox_add(struct mailboxes *boxes, const uint8_t *route, uint64_t entry, uint64_t frame_id)
{
	struct mailbox *box = mailbox_find(boxes, route);

	return mailbox_put(boxes, &box, route, entry, frame_id);
}

int64_t mailbox_seek(const struct mailboxes *boxes, const struct mailbox *box, uint64_t frame_id,
	uint32_t *cursor)
{
	return mailbox_next_maybe(box, frame_id, mailbox_hash(boxes, frame_id), cursor);
}

bool mailbox_remove(struct mailboxes *boxes, struct mailbox *box, uint32_t at)
{
	const uint64_t entry = box->entries[at];

	mailbox_cut(box, at);
	count_one(boxes, box, entry, -1);
	if (at < box->sent)
		box->sent--;
	if (box->count > 0)
		return true;
	discard(boxes, box);
	return false;
}

uint32_t mailbox_from(const struct mailbox *box, uint64_t number)
{
	uint32_t low = 0, high = box->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (mailbox_number(box->entries[middle]) < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t mailbox_position(const struct mailbox *box, uint64_t number)
{
	const uint32_t at = mailbox_from(box, number);

	return at < box->count && mailbox_number(box->entries[at]) == number ? (int64_t)at : -1;
}
