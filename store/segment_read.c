#include "segment_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_one(const struct segments *segments, uint32_t number)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(number, name);
	const int fd = openat(segments->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static ssize_t read_all(int fd, uint32_t offset, void *bytes, size_t max)
{
	size_t done = 0;

	while (done < max) {
		const ssize_t got =
			pread(fd, (char *)bytes + done, max - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

ssize_t segments_scan(
	const struct segments *segments, struct segment_place place, void *bytes, size_t max)
{
	const int fd = open_one(segments, place.segment);

	if (fd < 0)
		return fd;
	const ssize_t result = read_all(fd, place.offset, bytes, max);
	close(fd);
	return result;
}

static int keep_open(struct segments *segments, uint32_t number)
{
	for (int i = 0; i < SEGMENT_READING; i++)
		if (segments->reading[i].segment == number)
			return segments->reading[i].fd;
	const int fd = open_one(segments, number);
	if (fd < 0)
		return fd;
	struct segment_file *file = &segments->reading[segments->next_reading++ % SEGMENT_READING];
	if (file->segment != 0)
		close(file->fd);
	*file = (struct segment_file){ number, fd };
	return fd;
}

ssize_t segments_read(
	struct segments *segments, struct segment_place place, void *bytes, size_t max)
{
	const int fd = keep_open(segments, place.segment);

	return fd < 0 ? fd : read_all(fd, place.offset, bytes, max);
}

void segments_let_go(struct segments *segments)
{
	const uint32_t removed = atomic_load(&segments->removed);
	struct stat status;

	if (removed == segments->removed_seen)
		return;
	segments->removed_seen = removed;
	for (int i = 0; i < SEGMENT_READING; i++) {
		struct segment_file *file = &segments->reading[i];
		if (file->segment == 0 || (fstat(file->fd, &status) == 0 && status.st_nlink > 0))
			continue;
		close(file->fd);
		file->segment = 0;
	}
}

int segments_link(const struct segments *segments, const char *directory)
{
	char name[SEGMENT_NAME_BYTES];
	int result = mkdir(directory, 0700) != 0 ? -errno : 0;
	const int to = result < 0 ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (result < 0 || to < 0)
		return result < 0 ? result : -errno;
	for (uint32_t at = 0; at < segments->count && result == 0; at++) {
		if (!segments->list[at].ended)
			continue;
		segment_name(segments->list[at].number, name);
		if (linkat(segments->directory, name, to, name, 0) != 0)
			result = -errno;
	}
	if (result == 0 && fsync(to) != 0)
		result = -errno;
	close(to);
	return result;
}
