#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHARE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static bool is_cell(uint16_t len)
{
	return len == WIRE_INNER_HEADER_BYTES + WIRE_SMALL_PAYLOAD_BYTES ||
	       len == SHARE_FRAME_MAX_BYTES;
}

bool share_up_ok(const struct share_up *record, uint32_t devices_max)
{
	const struct wire_inner *inner = (const struct wire_inner *)record->frame;

	return record->device < devices_max &&
	       ((record->kind == SHARE_STORED && is_cell(record->len) &&
			inner->kind == WIRE_STORED) ||
		       (record->kind == SHARE_RECEIVED && record->len == WIRE_INNER_HEADER_BYTES &&
			       inner->kind == WIRE_RECEIVED)) &&
	       wire_inner_from_device_ok(inner);
}

bool share_event_ok(const struct share_event *record, uint32_t devices_max)
{
	switch (record->kind) {
	case SHARE_ONLINE:
	case SHARE_OFFLINE:
	case SHARE_RESOLVED:
		return record->device < devices_max;
	case SHARE_NO_ROUTE:
	case SHARE_RESYNC:
		return true;
	default:
		return false;
	}
}

bool share_down_ok(const struct share_down *record)
{
	const struct wire_inner *inner = (const struct wire_inner *)record->frame;

	switch (record->kind) {
	case SHARE_SEND:
		return record->len == WIRE_INNER_HEADER_BYTES && inner->kind == WIRE_ACCEPTED;
	case SHARE_DELIVER:
		return is_cell(record->len) && inner->kind == WIRE_STORED;
	case SHARE_RESOLVE:
		return record->len == WIRE_INNER_HEADER_BYTES;
	default:
		return false;
	}
}

enum { HEAD_BYTES = offsetof(struct share_up, frame) + WIRE_INNER_HEADER_BYTES };
_Static_assert((int)HEAD_BYTES == (int)RING_LINE_BYTES && offsetof(struct share_up, len) == 2 &&
		       offsetof(struct share_down, len) == 2 &&
		       offsetof(struct share_down, frame) == offsetof(struct share_up, frame),
	"one line up to the end of the inner header");

/* Either kind of record. */
static bool take(struct ring *ring, void *record)
{
	const uint8_t *oldest = ring_oldest(ring);
	size_t bytes = HEAD_BYTES;
	uint16_t len;

	if (!oldest)
		return false;
	memcpy(record, oldest, HEAD_BYTES);
	memcpy(&len, (const uint8_t *)record + sizeof len, sizeof len);
	if (len < WIRE_INNER_HEADER_BYTES || len > SHARE_FRAME_MAX_BYTES)
		bytes = ring->slot_bytes; /* no record: whatever is left there goes */
	else
		bytes += len - WIRE_INNER_HEADER_BYTES;
	memcpy((uint8_t *)record + HEAD_BYTES, oldest + HEAD_BYTES, bytes - HEAD_BYTES);
	ring_discard(ring, bytes);
	return true;
}

bool share_take_up(struct ring *ring, struct share_up *record)
{
	return take(ring, record);
}

bool share_take_down(struct ring *ring, struct share_down *record)
{
	return take(ring, record);
}

static size_t up_bytes(void)
{
	return ring_bytes(SHARE_UP_SLOTS, sizeof(struct share_up));
}

static size_t all_bytes(uint32_t workers)
{
	return workers * up_bytes() + ring_bytes(SHARE_EVENT_SLOTS, sizeof(struct share_event)) +
	       ring_bytes(SHARE_DOWN_SLOTS, sizeof(struct share_down));
}

typedef int attach_fn(struct ring *, struct ring_shared *, uint32_t, uint32_t);

/* Rings lie one behind the other, each of whole cache lines. */
static int attach(struct share *share, int fd, attach_fn *from_dataplane, attach_fn *to_dataplane)
{
	uint8_t *at;
	int result = 0;

	share->memory = mmap(NULL, share->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (share->memory == MAP_FAILED) {
		share->memory = NULL;
		return -errno;
	}
	at = share->memory;
	for (uint32_t i = 0; i < share->workers && result == 0; i++, at += up_bytes())
		result = from_dataplane(&share->up[i], (struct ring_shared *)at, SHARE_UP_SLOTS,
			sizeof(struct share_up));
	if (result == 0)
		result = from_dataplane(&share->events, (struct ring_shared *)at, SHARE_EVENT_SLOTS,
			sizeof(struct share_event));
	at += ring_bytes(SHARE_EVENT_SLOTS, sizeof(struct share_event));
	if (result == 0)
		result = to_dataplane(&share->down, (struct ring_shared *)at, SHARE_DOWN_SLOTS,
			sizeof(struct share_down));
	if (result < 0)
		share_unmap(share);
	return result;
}

int share_make(struct share *share, uint32_t workers, int *fd)
{
	int result = 0;

	memset(share, 0, sizeof *share);
	*fd = -1;
	if (workers == 0 || workers > SHARE_WORKERS_MAX)
		return -EINVAL;
	share->workers = workers;
	share->bytes = all_bytes(workers);
	const int memory = memfd_create("chappe store", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0)
		return -errno;
	if (ftruncate(memory, (off_t)share->bytes) != 0 ||
		fcntl(memory, F_ADD_SEALS, SHARE_SEALS) != 0)
		result = -errno;
	if (result == 0)
		result = attach(share, memory, ring_attach_producer, ring_attach_consumer);
	if (result < 0)
		close(memory);
	else
		*fd = memory;
	return result;
}

int share_map(struct share *share, uint32_t workers, int fd)
{
	struct stat status;

	memset(share, 0, sizeof *share);
	if (workers == 0 || workers > SHARE_WORKERS_MAX)
		return -EPROTO;
	share->workers = workers;
	share->bytes = all_bytes(workers);
	const int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SHARE_SEALS) != SHARE_SEALS || fstat(fd, &status) != 0 ||
		(uint64_t)status.st_size != share->bytes)
		return -EPROTO;
	return attach(share, fd, ring_attach_consumer, ring_attach_producer);
}

void share_unmap(struct share *share)
{
	if (share->memory)
		munmap(share->memory, share->bytes);
	memset(share, 0, sizeof *share);
}
