#include "mailbox.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	CHUNK_BITS = 12, /* mailboxes are made in pieces, and never move */
	CHUNK = 1 << CHUNK_BITS,
	NONE = UINT32_MAX,
	TABLE_FIRST = 1024,
};

struct mailbox_device {
	uint32_t first; /* mailbox, or NONE */
	struct mailbox_load load;
};

struct mailboxes {
	uint8_t secret[crypto_shorthash_KEYBYTES];
	struct mailbox **chunks;
	uint32_t chunk_count, places, free; /* free: list of unused places by `next` */
	uint32_t count;
	uint32_t *table; /* place of a mailbox, or NONE; linear probing, at most 3/4 full */
	uint32_t table_size;
	struct mailbox_device *devices;
	uint32_t devices_max;
	struct mailbox_load load;
};

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
	boxes->free = NONE;
	boxes->table_size = TABLE_FIRST;
	memset(boxes->table, 0xff, TABLE_FIRST * sizeof *boxes->table);
	return boxes;
}

int mailboxes_set_devices(struct mailboxes *boxes, uint32_t devices_max)
{
	struct mailbox_device *devices = malloc(((size_t)devices_max + 1) * sizeof *devices);

	if (!devices)
		return -ENOMEM;
	for (uint32_t i = 0; i < devices_max; i++)
		devices[i] = (struct mailbox_device){ .first = NONE };
	free(boxes->devices);
	boxes->devices = devices;
	boxes->devices_max = devices_max;
	for (uint32_t i = 0; i < boxes->places; i++) {
		struct mailbox *box = mailbox_at(boxes, i);
		if (box)
			box->device = MAILBOX_NO_DEVICE;
	}
	return 0;
}

void mailboxes_destroy(struct mailboxes *boxes)
{
	if (!boxes)
		return;
	for (uint32_t i = 0; i < boxes->places; i++)
		free(mailbox_at(boxes, i) ? mailbox_at(boxes, i)->entries : NULL);
	for (uint32_t i = 0; i < boxes->chunk_count; i++) {
		sodium_memzero(boxes->chunks[i], CHUNK * sizeof **boxes->chunks);
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

static struct mailbox *place_of(const struct mailboxes *boxes, uint32_t place)
{
	return &boxes->chunks[place >> CHUNK_BITS][place & (CHUNK - 1)];
}

uint32_t mailboxes_places(const struct mailboxes *boxes)
{
	return boxes->places;
}

struct mailbox *mailbox_at(const struct mailboxes *boxes, uint32_t place)
{
	struct mailbox *box = place_of(boxes, place);

	return box->count > 0 ? box : NULL;
}

static uint32_t home(const struct mailboxes *boxes, const uint8_t *route)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, route, WIRE_ROUTE_BYTES, boxes->secret);
	return (uint32_t)hash & (boxes->table_size - 1);
}

/* Where a route is in the table, or would be. */
static uint32_t probe(const struct mailboxes *boxes, const uint8_t *route)
{
	uint32_t at = home(boxes, route);

	while (boxes->table[at] != NONE &&
		memcmp(place_of(boxes, boxes->table[at])->route, route, WIRE_ROUTE_BYTES) != 0)
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

	return place == NONE ? NULL : place_of(boxes, place);
}

static int grow_table(struct mailboxes *boxes)
{
	uint32_t *old = boxes->table;
	const uint32_t size = boxes->table_size;

	if ((uint64_t)boxes->count * 4 < (uint64_t)size * 3)
		return 0;
	boxes->table = malloc((size_t)size * 2 * sizeof *boxes->table);
	if (!boxes->table) {
		boxes->table = old;
		return -ENOMEM;
	}
	boxes->table_size = size * 2;
	memset(boxes->table, 0xff, (size_t)size * 2 * sizeof *boxes->table);
	for (uint32_t i = 0; i < size; i++)
		if (old[i] != NONE)
			boxes->table[probe(boxes, place_of(boxes, old[i])->route)] = old[i];
	free(old);
	return 0;
}

/* A gap in a run of probes is closed by those behind it whose home is not after it. */
static void remove_from_table(struct mailboxes *boxes, uint32_t gap)
{
	const uint32_t mask = boxes->table_size - 1;

	for (uint32_t at = (gap + 1) & mask; boxes->table[at] != NONE; at = (at + 1) & mask) {
		const uint32_t wanted = home(boxes, place_of(boxes, boxes->table[at])->route);
		if (((at - wanted) & mask) < ((at - gap) & mask))
			continue;
		boxes->table[gap] = boxes->table[at];
		gap = at;
	}
	boxes->table[gap] = NONE;
}

/* Puts a new chunk on the list of unused places. */
static int add_chunk(struct mailboxes *boxes)
{
	struct mailbox **chunks = realloc(boxes->chunks, (boxes->chunk_count + 1) * sizeof *chunks);

	if (!chunks)
		return -ENOMEM;
	boxes->chunks = chunks;
	chunks[boxes->chunk_count] = calloc(CHUNK, sizeof **chunks);
	if (!chunks[boxes->chunk_count])
		return -ENOMEM;
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunks[boxes->chunk_count][i].next = boxes->free;
		boxes->free = boxes->chunk_count * CHUNK + i;
	}
	boxes->chunk_count++;
	boxes->places += CHUNK;
	return 0;
}

static struct mailbox *make(struct mailboxes *boxes, const uint8_t *route)
{
	if (grow_table(boxes) < 0 || (boxes->free == NONE && add_chunk(boxes) < 0))
		return NULL;
	const uint32_t place = boxes->free;
	struct mailbox *box = place_of(boxes, place);
	boxes->free = box->next;
	*box = (struct mailbox){ .device = MAILBOX_NO_DEVICE, .next = NONE };
	memcpy(box->route, route, sizeof box->route);
	boxes->table[probe(boxes, route)] = place;
	boxes->count++;
	return box;
}

static void leave_device(struct mailboxes *boxes, const struct mailbox *box)
{
	if (box->device == MAILBOX_NO_DEVICE)
		return;
	struct mailbox_device *device = &boxes->devices[box->device];
	uint32_t *link = &device->first;
	while (place_of(boxes, *link) != box)
		link = &place_of(boxes, *link)->next;
	*link = box->next;
	device->load.count -= box->count;
	device->load.large -= box->large;
}

static void discard(struct mailboxes *boxes, struct mailbox *box)
{
	const uint32_t at = probe(boxes, box->route), place = boxes->table[at];

	leave_device(boxes, box);
	remove_from_table(boxes, at);
	free(box->entries);
	sodium_memzero(box, sizeof *box);
	box->next = boxes->free;
	boxes->free = place;
	boxes->count--;
}

/* Small mailboxes by two entries at a time, larger ones by half. */
static int reserve(struct mailbox *box)
{
	if (box->count < box->room)
		return 0;
	if (box->count >= MAILBOX_ENTRIES_MAX)
		return -ENOSPC;
	const uint32_t room = box->room + (box->room < 16 ? 2 : box->room / 2);
	uint64_t *entries = realloc(box->entries, room * sizeof *entries);
	if (!entries)
		return -ENOMEM;
	box->entries = entries;
	box->room = room;
	return 0;
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

int mailbox_add(struct mailboxes *boxes, const uint8_t *route, uint64_t entry)
{
	struct mailbox *box = mailbox_find(boxes, route);

	if (!box)
		box = make(boxes, route);
	if (!box)
		return -ENOMEM;
	const int result = reserve(box);
	if (result < 0) {
		if (box->count == 0)
			discard(boxes, box);
		return result;
	}
	box->entries[box->count] = entry;
	count_one(boxes, box, entry, 1);
	return 0;
}

bool mailbox_remove(struct mailboxes *boxes, struct mailbox *box, uint32_t at)
{
	const uint64_t entry = box->entries[at];

	memmove(&box->entries[at], &box->entries[at + 1],
		(box->count - 1 - at) * sizeof *box->entries);
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

int mailbox_set_device(struct mailboxes *boxes, struct mailbox *box, uint32_t device)
{
	if (device != MAILBOX_NO_DEVICE && device >= boxes->devices_max)
		return -EINVAL;
	if (box->device == device)
		return 0;
	leave_device(boxes, box);
	box->device = device;
	box->sent = 0;
	box->tries = 0;
	box->next = NONE;
	if (device == MAILBOX_NO_DEVICE)
		return 0;
	struct mailbox_device *to = &boxes->devices[device];
	box->next = to->first;
	to->first = mailbox_place(boxes, box);
	to->load.count += box->count;
	to->load.large += box->large;
	return 0;
}

struct mailbox_load mailbox_device_load(const struct mailboxes *boxes, uint32_t device)
{
	return device < boxes->devices_max ? boxes->devices[device].load
					   : (struct mailbox_load){ 0 };
}

struct mailbox *mailbox_first(const struct mailboxes *boxes, uint32_t device)
{
	const uint32_t place = device < boxes->devices_max ? boxes->devices[device].first : NONE;

	return place == NONE ? NULL : place_of(boxes, place);
}

struct mailbox *mailbox_next(const struct mailboxes *boxes, const struct mailbox *box)
{
	return box->next == NONE ? NULL : place_of(boxes, box->next);
}
