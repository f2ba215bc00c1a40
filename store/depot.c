#include "depot_private.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/statvfs.h>

struct mailboxes *depot_mailboxes(const struct depot *depot)
{
	return depot->boxes;
}

uint32_t depot_epochs(const struct depot *depot)
{
	return epochs_count(depot->epochs);
}

uint64_t depot_expired(const struct depot *depot)
{
	return depot->expired;
}

bool depot_is_short(const struct depot *depot)
{
	return depot_disk_free(depot) < depot->limits.disk_free_bytes;
}

bool depot_failed(const struct depot *depot)
{
	return depot->failed;
}

void depot_set_limits(struct depot *depot, const struct depot_limits *limits)
{
	depot->limits = *limits;
	depot_look_at_disk(depot);
}

void depot_set_time(struct depot *depot, uint32_t now)
{
	if (now > depot->now) /* a clock that goes back makes nothing young again */
		depot->now = now;
}

static int read_index(struct depot *depot, uint64_t number, struct record_index *index)
{
	struct record_index_bytes bytes;
	const int result = engine_get_index(depot->engine, number, &bytes);

	if (result < 0)
		return result;
	const struct epoch_key *key = epochs_key(depot->epochs, get32(bytes.epoch));
	return key ? record_open_index(index, number, &bytes, key) : -EBADMSG;
}

/* What was read of late is known without the disk. */
static int recall_index(
	struct depot *depot, const struct mailbox *box, uint64_t number, struct record_index *index)
{
	const struct depot_sent *sent = &depot->sent[number % DEPOT_SENT];

	if (sent->number != number)
		return read_index(depot, number, index);
	*index = (struct record_index){
		.epoch = sent->epoch, .frame_id = sent->frame_id, .arrived = sent->arrived
	};
	memcpy(index->route, box->route, sizeof index->route);
	return 0;
}

/* The position of a frame in a mailbox, by the bits of it in memory and then by what the disk says;
 * -1 where it is not there, or not committed yet. */
static int64_t find_committed(struct depot *depot, const struct mailbox *box, uint64_t frame_id,
	struct record_index *index)
{
	int64_t at;

	for (uint32_t cursor = 0; (at = mailbox_seek(depot->boxes, box, frame_id, &cursor)) >= 0;) {
		const uint64_t number = mailbox_number(box->entries[at]);
		if (number < depot->durable && recall_index(depot, box, number, index) == 0 &&
			index->frame_id == frame_id)
			return at;
	}
	return -1;
}

static uint64_t *frame_id_of(struct depot *depot, uint64_t number)
{
	return &depot->frame_ids[number % (2 * DEPOT_BATCH_MAX)];
}

static bool waits(struct depot *depot, const struct mailbox *box, uint64_t frame_id)
{
	struct record_index index;
	int64_t at;

	for (uint32_t cursor = 0; (at = mailbox_seek(depot->boxes, box, frame_id, &cursor)) >= 0;) {
		const uint64_t number = mailbox_number(box->entries[at]);
		if (number >= depot->durable ? *frame_id_of(depot, number) == frame_id
					     : read_index(depot, number, &index) == 0 &&
						       index.frame_id == frame_id)
			return true;
	}
	return false;
}

static bool is_known(struct depot *depot, const struct mailbox *box, const struct wire_inner *frame)
{
	const uint64_t frame_id = get64(frame->frame_id);

	return (box && waits(depot, box, frame_id)) ||
	       recent_has(depot->recent, frame->route, frame_id);
}

static enum depot_verdict check_limits(
	const struct depot *depot, const struct mailbox *box, uint32_t device, uint32_t large)
{
	const struct depot_limits *limits = &depot->limits;
	const struct mailbox_load of_device = mailbox_device_load(depot->boxes, device);
	const struct mailbox_load all = mailboxes_load(depot->boxes);
	const uint32_t count = box ? box->count : 0, count_large = box ? box->large : 0;

	if (depot->disk_short ||
		mailbox_bytes(all.count + 1, all.large + large) > limits->total_bytes)
		return DEPOT_OVER_TOTAL;
	if (count >= limits->route_frames ||
		mailbox_bytes(count + 1, count_large + large) > limits->route_bytes)
		return DEPOT_OVER_ROUTE;
	if (of_device.count >= limits->device_frames ||
		mailbox_bytes(of_device.count + 1, of_device.large + large) > limits->device_bytes)
		return DEPOT_OVER_DEVICE;
	return DEPOT_TAKEN;
}

static int put(struct depot *depot, uint64_t number, const struct wire_inner *frame, uint32_t len)
{
	const struct engine_message message = { .number = number,
		.epoch = depot->arriving.number,
		.arrived = depot->now,
		.key = depot->arriving.key,
		.frame = frame,
		.len = len };

	return engine_add(depot->engine, &message);
}

enum depot_verdict depot_take(
	struct depot *depot, uint32_t device, const struct wire_inner *frame, uint32_t len)
{
	struct mailbox *box = mailbox_find(depot->boxes, frame->route);
	const bool large = len == RECORD_FRAME_MAX_BYTES;

	if (depot->failed)
		return DEPOT_FAILED;
	if (is_known(depot, box, frame)) {
		/* One that waits is known, one that was received long ago is stored again: how long
		 * `accepted` takes must not tell which, and with it whether the recipient came. */
		engine_add_blank(depot->engine);
		return DEPOT_KNOWN;
	}
	if (box && mailbox_set_device(depot->boxes, box, device) < 0)
		return DEPOT_FAILED;
	const enum depot_verdict verdict = check_limits(depot, box, device, large);
	if (verdict != DEPOT_TAKEN)
		return verdict;
	if (depot->next - depot->sealed >= DEPOT_BATCH_MAX ||
		depot->next >> RECORD_NUMBER_BITS != 0 ||
		depot_use_epoch(depot, &depot->arriving) < 0 ||
		calendar_add(&depot->calendar, depot->next, depot->now, depot->arriving.number) < 0)
		return DEPOT_FAILED;
	const uint64_t entry =
		mailbox_entry(depot->next, get64(frame->frame_id), frame->ttl, large);
	if (mailbox_put(depot->boxes, &box, frame->route, entry, get64(frame->frame_id)) < 0)
		return DEPOT_FAILED;
	if (mailbox_set_device(depot->boxes, box, device) < 0 ||
		put(depot, depot->next, frame, len) < 0) {
		(void)mailbox_remove(depot->boxes, box, box->count - 1);
		return DEPOT_FAILED;
	}
	epochs_hold(depot->epochs, depot->arriving.number);
	*frame_id_of(depot, depot->next++) = get64(frame->frame_id);
	return DEPOT_TAKEN;
}

/* Keeps, instead of a message that was received, that it was; under the key of such records, so
 * that the message's own can go. 0 or -errno, then nothing has changed. */
static int remember(struct depot *depot, uint64_t number, const struct record_index *index)
{
	struct engine_delivered delivered = { .arrived = index->arrived,
		.frame.frame_id = put64(index->frame_id) };
	int result = depot_use_epoch(depot, &depot->remembering);

	delivered.epoch = depot->remembering.number;
	delivered.key = depot->remembering.key;
	memcpy(delivered.frame.route, index->route, sizeof delivered.frame.route);
	if (result == 0)
		result = recent_add(depot->recent, index->route, index->frame_id, index->arrived,
			delivered.epoch);
	if (result < 0)
		return result;
	epochs_hold(depot->epochs, delivered.epoch);
	/* Without memory for it, it is known until this process ends. */
	(void)engine_remember(depot->engine, &delivered);
	depot_erase(depot, number, index->epoch);
	return 0;
}

int depot_received(struct depot *depot, const uint8_t *route, uint64_t frame_id)
{
	struct mailbox *box = mailbox_find(depot->boxes, route);
	struct record_index index;
	const int64_t at = box ? find_committed(depot, box, frame_id, &index) : -1;
	int result = 0;

	if (at < 0)
		return -ENOENT;
	const uint64_t number = mailbox_number(box->entries[at]);
	/* Where too many were delivered of late to know them all, a repetition comes again, and its
	 * recipient knows it: nobody's messages stay because others' are many. */
	if (index.arrived + RECENT_MINUTES > depot->now && recent_count(depot->recent) < RECENT_MAX)
		result = remember(depot, number, &index);
	else
		depot_erase(depot, number, index.epoch);
	if (result == 0)
		(void)mailbox_remove(depot->boxes, box, (uint32_t)at);
	sodium_memzero(&index, sizeof index);
	return result;
}

uint64_t depot_disk_free(const struct depot *depot)
{
	struct statvfs disk;

	return fstatvfs(depot->directory, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize
						      : UINT64_MAX;
}

bool depot_has_changes(const struct depot *depot)
{
	return engine_has_changes(depot->engine);
}

uint32_t depot_committed(const struct depot *depot, const struct mailbox *box)
{
	uint32_t count = box->count;

	while (count > 0 && mailbox_number(box->entries[count - 1]) >= depot->durable)
		count--;
	return count;
}

uint32_t depot_arrived(const struct depot *depot, const struct mailbox *box, uint32_t at)
{
	return calendar_of(&depot->calendar, mailbox_number(box->entries[at])).minute;
}

int depot_read(
	struct depot *depot, const struct mailbox *box, uint32_t at, struct record_frame *frame)
{
	const uint64_t number = mailbox_number(box->entries[at]);
	struct record_body_bytes bytes;
	const ssize_t got = engine_get_body(depot->engine, number, &bytes);

	if (got < 0)
		return (int)got;
	const struct epoch_key *key = epochs_key(depot->epochs, get32(bytes.epoch));
	if (!key || record_open_body(frame, number, &bytes, (size_t)got, key) < 0)
		return -EBADMSG;
	depot->sent[number % DEPOT_SENT] = (struct depot_sent){ .number = number,
		.frame_id = get64(((const struct wire_inner *)frame->bytes)->frame_id),
		.epoch = get32(bytes.epoch),
		.arrived = frame->arrived };
	return 0;
}

int depot_check(struct depot *depot, const struct mailbox *box, uint32_t at)
{
	const uint64_t number = mailbox_number(box->entries[at]);
	struct record_index index;
	struct record_frame frame;
	int result = read_index(depot, number, &index);

	if (result == 0)
		result = depot_read(depot, box, at, &frame);
	if (result < 0)
		return result;
	const struct wire_inner *inner = (const struct wire_inner *)frame.bytes;
	const bool same = index.frame_id == get64(inner->frame_id) &&
			  memcmp(index.route, inner->route, sizeof index.route) == 0 &&
			  memcmp(box->route, inner->route, sizeof box->route) == 0;
	sodium_memzero(&index, sizeof index);
	sodium_memzero(&frame, WIRE_INNER_HEADER_BYTES + offsetof(struct record_frame, bytes));
	return same ? 0 : -EBADMSG;
}

bool depot_give_up(struct depot *depot, struct mailbox *box, uint32_t at)
{
	const uint64_t number = mailbox_number(box->entries[at]);

	depot_erase(depot, number, calendar_of(&depot->calendar, number).epoch);
	return mailbox_remove(depot->boxes, box, at);
}
