#include "numbered.h"
#include "segment_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	PREALLOCATE_SHARE = 8, /* at most this part of what the disk has left */
	PREALLOCATE_MIN_BYTES = 1 << 20,
	CACHE_SHARE = 32, /* of the machine's memory */
};

void segment_name(uint32_t number, char name[SEGMENT_NAME_BYTES])
{
	snprintf(name, SEGMENT_NAME_BYTES, "%08" PRIx32 ".cells", number);
}

struct segment *segments_find(const struct segments *segments, uint32_t number)
{
	return numbered_find(segments->list, segments->count, sizeof *segments->list, number);
}

/* Adds it in its place; NULL without memory. */
static struct segment *add(struct segments *segments, uint32_t number)
{
	struct segment *list =
		numbered_grow(segments->list, segments->count, &segments->room, sizeof *list);

	if (!list)
		return NULL;
	segments->list = list;
	struct segment *segment = numbered_insert(list, segments->count++, sizeof *list, number);
	*segment = (struct segment){ .number = number };
	if (number > segments->last)
		segments->last = number;
	return segment;
}

static int find_one(struct segments *segments, const char *name)
{
	char canonical[SEGMENT_NAME_BYTES];
	const uint32_t number = (uint32_t)strtoul(name, NULL, 16);
	struct stat status;

	segment_name(number, canonical);
	if (strcmp(name, canonical) != 0 || number == 0)
		return 0;
	if (fstatat(segments->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	struct segment *segment = add(segments, number);
	if (!segment)
		return -ENOMEM;
	segment->ended = segment->cold = true;
	segment->bytes = status.st_size < UINT32_MAX ? (uint32_t)status.st_size : UINT32_MAX;
	return 0;
}

static int find_all(struct segments *segments)
{
	const int fd = openat(segments->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	int result = files ? 0 : -errno;

	if (!files) {
		if (fd >= 0)
			close(fd);
		return result;
	}
	for (const struct dirent *entry; result == 0 && (entry = readdir(files)) != NULL;)
		result = find_one(segments, entry->d_name);
	closedir(files);
	return result;
}

int segments_open(struct segments **out, const char *directory)
{
	struct segments *segments = calloc(1, sizeof *segments);

	*out = NULL;
	if (!segments)
		return -ENOMEM;
	segments->fd = -1;
	segments->cache_bytes =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / CACHE_SHARE;
	segments->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const int result = segments->directory < 0 ? -errno : find_all(segments);
	if (result < 0) {
		segments_close(segments);
		return result;
	}
	*out = segments;
	return 0;
}

void segments_close(struct segments *segments)
{
	if (!segments)
		return;
	segments_end(segments);
	for (int i = 0; i < SEGMENT_READING; i++)
		if (segments->reading[i].segment != 0)
			close(segments->reading[i].fd);
	if (segments->directory >= 0)
		close(segments->directory);
	free(segments->list);
	free(segments);
}

/* Room in one piece costs a third less time in each write. Never most of what the disk has left:
 * it stays there for the index. Without it the writes ask for room themselves. */
static void preallocate(int fd)
{
	struct statvfs disk;
	uint64_t bytes = SEGMENT_BYTES;

	if (fstatvfs(fd, &disk) != 0)
		return;
	const uint64_t share = (uint64_t)disk.f_bavail * disk.f_frsize / PREALLOCATE_SHARE;
	if (bytes > share)
		bytes = share;
	if (bytes >= PREALLOCATE_MIN_BYTES)
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes);
}

static int begin(struct segments *segments)
{
	char name[SEGMENT_NAME_BYTES];

	if (segments->last == UINT32_MAX)
		return -EOVERFLOW;
	segment_name(segments->last + 1, name);
	const int fd = openat(segments->directory, name,
		O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (!add(segments, segments->last + 1)) {
		close(fd);
		(void)unlinkat(segments->directory, name, 0);
		return -ENOMEM;
	}
	preallocate(fd);
	segments->fd = fd;
	segments->created = true;
	return 0;
}

/* Has the kernel let go of some of what was written long ago: of the oldest segment beyond what it
 * may keep. A whole one would take milliseconds. */
static void cool(const struct segments *segments, size_t bytes)
{
	char name[SEGMENT_NAME_BYTES];
	struct segment *oldest = NULL;
	uint64_t kept = 0;

	for (uint32_t at = segments->count; at-- > 0 && !segments->list[at].cold;) {
		kept += segments->list[at].bytes;
		if (kept > segments->cache_bytes && segments->list[at].ended)
			oldest = &segments->list[at];
	}
	if (!oldest)
		return;
	segment_name(oldest->number, name);
	const int fd = openat(segments->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		(void)posix_fadvise(fd, oldest->cooled, (off_t)bytes, POSIX_FADV_DONTNEED);
		close(fd);
	}
	oldest->cooled += (uint32_t)bytes;
	oldest->cold = fd < 0 || oldest->cooled >= oldest->bytes;
}

void segments_end(struct segments *segments)
{
	if (segments->fd < 0)
		return;
	struct segment *segment = &segments->list[segments->count - 1];
	segment->ended = true;
	(void)!ftruncate(segments->fd, segment->bytes); /* gives back what was not used */
	close(segments->fd);
	segments->fd = -1;
}

int segments_reserve(struct segments *segments, size_t bytes, struct segment_place *place)
{
	if (segments->fd >= 0 && segments->list[segments->count - 1].bytes + bytes > SEGMENT_BYTES)
		segments_end(segments);
	const int result = segments->fd < 0 ? begin(segments) : 0;
	if (result < 0)
		return result;
	const struct segment *segment = &segments->list[segments->count - 1];
	*place = (struct segment_place){ segment->number, segment->bytes };
	return 0;
}

int segments_write(struct segments *segments, const void *bytes, size_t len)
{
	struct segment *segment = &segments->list[segments->count - 1];

	for (size_t done = 0; done < len;) {
		const ssize_t written = pwrite(segments->fd, (const char *)bytes + done, len - done,
			(off_t)(segment->bytes + done));
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -ENOSPC;
		done += (size_t)written;
	}
	/* Else it would begin with segments_sync() only. */
	(void)sync_file_range(
		segments->fd, (off_t)segment->bytes, (off_t)len, SYNC_FILE_RANGE_WRITE);
	segment->bytes += (uint32_t)len;
	cool(segments, 2 * len);
	return 0;
}

int segments_sync(struct segments *segments)
{
	if (fdatasync(segments->fd) != 0)
		return -errno;
	if (segments->created && fsync(segments->directory) != 0)
		return -errno;
	segments->created = false;
	return 0;
}

void segments_hold(struct segments *segments, struct segment_place place, size_t bytes)
{
	struct segment *segment = segments_find(segments, place.segment);

	if (segment)
		segment->live += (uint32_t)bytes;
}

void segments_release(struct segments *segments, struct segment_place place, size_t bytes)
{
	struct segment *segment = segments_find(segments, place.segment);

	if (segment)
		segment->live -= segment->live < bytes ? segment->live : (uint32_t)bytes;
}

int segments_remove_empty(struct segments *segments)
{
	char name[SEGMENT_NAME_BYTES];
	uint32_t kept = 0;
	int result = 0;

	for (uint32_t at = 0; at < segments->count; at++) {
		const struct segment segment = segments->list[at];
		if (segment.ended && segment.live == 0 && !segment.kept && !segment.moved) {
			segment_name(segment.number, name);
			if (unlinkat(segments->directory, name, 0) == 0 || errno == ENOENT) {
				atomic_fetch_add(&segments->removed, 1);
				continue;
			}
			result = -errno;
		}
		segments->list[kept++] = segment;
	}
	segments->count = kept;
	return result;
}

struct segment *segments_at(const struct segments *segments, uint32_t position)
{
	return position < segments->count ? &segments->list[position] : NULL;
}

uint32_t segments_last(const struct segments *segments)
{
	return segments->last;
}
