#include "epoch.h"

#include "numbered.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key's file fills a block: one that fits into an inode (ext4's inline_data has room for 150
 * bytes) also goes through the journal, which keeps what is overwritten. */
enum { NAME_BYTES = 16, FILE_BYTES = 4096 };

struct epoch {
	uint32_t number;
	uint64_t records;
	struct epoch_key *key; /* locked memory */
};

struct epochs {
	int directory;
	uint32_t count, room;
	uint32_t last;      /* the highest number ever seen */
	struct epoch *list; /* ascending numbers */
};

static void name_of(uint32_t number, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%08" PRIx32 ".key", number);
}

static struct epoch *find(const struct epochs *epochs, uint32_t number)
{
	return numbered_find(epochs->list, epochs->count, sizeof *epochs->list, number);
}

/* Adds it in its place; the key comes uninitialised. NULL without memory. */
static struct epoch *add(struct epochs *epochs, uint32_t number)
{
	struct epoch *list =
		numbered_grow(epochs->list, epochs->count, &epochs->room, sizeof *list);

	if (!list)
		return NULL;
	epochs->list = list;
	struct epoch_key *key = sodium_malloc(sizeof *key);
	if (!key)
		return NULL;
	struct epoch *epoch = numbered_insert(list, epochs->count++, sizeof *list, number);
	*epoch = (struct epoch){ .number = number, .key = key };
	if (number > epochs->last)
		epochs->last = number;
	return epoch;
}

static void expand(struct epoch_key *key)
{
	seal_expand(&key->sealing, key->bytes, seal_has_fast());
}

static void drop(struct epochs *epochs, const struct epoch *epoch)
{
	const size_t at = (size_t)(epoch - epochs->list);

	sodium_free(epoch->key);
	memmove(&epochs->list[at], &epochs->list[at + 1],
		(--epochs->count - at) * sizeof *epochs->list);
}

/* Overwrites the key where it lies before its name goes: a file system that writes in place keeps
 * no copy. One that does not, and flash below it, may; docs say so. */
int epoch_wipe(int directory, const char *name)
{
	uint8_t noise[EPOCH_KEY_BYTES];
	int result = 0;
	const int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	randombytes_buf(noise, sizeof noise);
	if (pwrite(fd, noise, sizeof noise, 0) != sizeof noise || fsync(fd) != 0)
		result = -errno;
	if (close(fd) != 0 && result == 0)
		result = -errno;
	if (result == 0 && unlinkat(directory, name, 0) != 0)
		result = -errno;
	return result;
}

/* A file that is not whole was never used: a key is durable before a record is sealed under it. */
static int read_one(struct epochs *epochs, const char *name)
{
	char canonical[NAME_BYTES];
	const uint32_t number = (uint32_t)strtoul(name, NULL, 16);
	int result = 0;

	name_of(number, canonical);
	if (strcmp(name, canonical) != 0 || number == 0)
		return 0;
	const int fd = openat(epochs->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	struct epoch *epoch = add(epochs, number);
	const ssize_t got = epoch ? read(fd, epoch->key->bytes, EPOCH_KEY_BYTES) : 0;
	if (!epoch)
		result = -ENOMEM;
	else if (got < 0) {
		result = -errno;
	} else if (got != EPOCH_KEY_BYTES) {
		drop(epochs, epoch);
		(void)epoch_wipe(epochs->directory, name);
	} else {
		expand(epoch->key);
	}
	close(fd);
	return result;
}

static int read_all(struct epochs *epochs)
{
	const int fd = openat(epochs->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	int result = files ? 0 : -errno;

	if (!files) {
		if (fd >= 0)
			close(fd);
		return result;
	}
	for (const struct dirent *entry; result == 0 && (entry = readdir(files)) != NULL;)
		result = read_one(epochs, entry->d_name);
	closedir(files);
	return result;
}

int epochs_open(struct epochs **out, const char *directory, char error[EPOCH_ERROR_BYTES])
{
	struct epochs *epochs = calloc(1, sizeof *epochs);
	int result = epochs ? 0 : -ENOMEM;

	*out = NULL;
	if (result == 0 && mkdir(directory, 0700) != 0 && errno != EEXIST)
		result = -errno;
	if (result == 0) {
		epochs->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		result = epochs->directory < 0 ? -errno : read_all(epochs);
	}
	if (result == 0) {
		*out = epochs;
		return 0;
	}
	snprintf(error, EPOCH_ERROR_BYTES, "%.400s: %s", directory, strerror(-result));
	if (epochs && epochs->directory <= 0)
		free(epochs);
	else
		epochs_close(epochs);
	return result;
}

void epochs_close(struct epochs *epochs)
{
	if (!epochs)
		return;
	while (epochs->count > 0)
		drop(epochs, &epochs->list[epochs->count - 1]);
	close(epochs->directory);
	free(epochs->list);
	free(epochs);
}

static int write_key(const struct epochs *epochs, const struct epoch *epoch)
{
	uint8_t block[FILE_BYTES] = { 0 };
	char name[NAME_BYTES];
	int result = 0;

	name_of(epoch->number, name);
	const int fd = openat(epochs->directory, name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	memcpy(block, epoch->key->bytes, EPOCH_KEY_BYTES);
	errno = EIO; /* of a short write */
	if (write(fd, block, sizeof block) != sizeof block || fsync(fd) != 0)
		result = -errno;
	sodium_memzero(block, EPOCH_KEY_BYTES);
	if (close(fd) != 0 && result == 0)
		result = -errno;
	if (result == 0 && fsync(epochs->directory) != 0)
		result = -errno;
	if (result < 0)
		(void)unlinkat(epochs->directory, name, 0);
	return result;
}

int epochs_begin(struct epochs *epochs, uint32_t *number)
{
	if (epochs->last == UINT32_MAX)
		return -EOVERFLOW;
	struct epoch *epoch = add(epochs, epochs->last + 1);
	if (!epoch)
		return -ENOMEM;
	randombytes_buf(epoch->key->bytes, EPOCH_KEY_BYTES);
	expand(epoch->key);
	const int result = write_key(epochs, epoch);
	if (result < 0) {
		drop(epochs, epoch);
		return result;
	}
	*number = epoch->number;
	return 0;
}

const struct epoch_key *epochs_key(const struct epochs *epochs, uint32_t epoch)
{
	const struct epoch *found = find(epochs, epoch);

	return found ? found->key : NULL;
}

void epochs_hold(struct epochs *epochs, uint32_t epoch)
{
	struct epoch *found = find(epochs, epoch);

	if (found)
		found->records++;
}

void epochs_release(struct epochs *epochs, uint32_t epoch)
{
	struct epoch *found = find(epochs, epoch);

	if (found && found->records > 0)
		found->records--;
}

uint64_t epochs_held(const struct epochs *epochs, uint32_t epoch)
{
	const struct epoch *found = find(epochs, epoch);

	return found ? found->records : 0;
}

int epochs_destroy_empty(struct epochs *epochs)
{
	int destroyed = 0, result = 0;

	for (uint32_t i = 0; i < epochs->count;) {
		char name[NAME_BYTES];
		const struct epoch *epoch = &epochs->list[i];
		if (epoch->records > 0) {
			i++;
			continue;
		}
		name_of(epoch->number, name);
		const int one = epoch_wipe(epochs->directory, name);
		if (one < 0) {
			result = one;
			i++;
			continue;
		}
		drop(epochs, epoch);
		destroyed++;
	}
	if (destroyed > 0 && fsync(epochs->directory) != 0)
		result = -errno;
	return result < 0 ? result : destroyed;
}

uint32_t epochs_count(const struct epochs *epochs)
{
	return epochs->count;
}
