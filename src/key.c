#include "key.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(KEY_TEXT_BYTES ==
		       sodium_base64_ENCODED_LEN(NOISE_KEY_BYTES, sodium_base64_VARIANT_ORIGINAL),
	"base64");

void key_to_text(const uint8_t key[NOISE_KEY_BYTES], char text[KEY_TEXT_BYTES])
{
	sodium_bin2base64(
		text, KEY_TEXT_BYTES, key, NOISE_KEY_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

int key_from_text(const char *text, size_t len, uint8_t key[NOISE_KEY_BYTES])
{
	size_t bytes = 0;
	int failed = len != KEY_TEXT_BYTES - 1 ||
		     sodium_base642bin(key, NOISE_KEY_BYTES, text, len, NULL, &bytes, NULL,
			     sodium_base64_VARIANT_ORIGINAL);
	if (!failed && bytes == NOISE_KEY_BYTES)
		return 0;
	sodium_memzero(key, NOISE_KEY_BYTES);
	return -EBADMSG;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_directory_of(const char *path)
{
	char copy[PATH_MAX]; /* dirname() writes to what it is given */
	size_t len = strlen(path);
	if (len >= sizeof copy)
		return -ENAMETOOLONG;
	memcpy(copy, path, len + 1);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = fsync(fd) ? -errno : 0;
	close(fd);
	return result;
}

int key_save(const char *path, const uint8_t secret[NOISE_KEY_BYTES])
{
	char line[KEY_TEXT_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	key_to_text(secret, line);
	line[KEY_TEXT_BYTES - 1] = '\n';
	int result = write_all(fd, line, sizeof line);
	sodium_memzero(line, sizeof line);
	if (result == 0 && fsync(fd))
		result = -errno;
	if (close(fd) && result == 0)
		result = -errno;
	if (result == 0)
		result = sync_directory_of(path);
	if (result)
		unlink(path);
	return result;
}

/* Returns the bytes read, up to len, or -errno. */
static ssize_t read_all(int fd, char *bytes, size_t len)
{
	size_t have = 0;
	while (have < len) {
		ssize_t n = read(fd, bytes + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static int check_file(int fd)
{
	struct stat status;
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	return status.st_mode & (S_IRWXG | S_IRWXO) ? -EPERM : 0;
}

int key_load(const char *path, uint8_t secret[NOISE_KEY_BYTES])
{
	char line[KEY_TEXT_BYTES + 1]; /* a byte more than the line: a longer file is no key file */
	sodium_memzero(secret, NOISE_KEY_BYTES);
	/* Without O_NONBLOCK a path that is a FIFO would hang. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = check_file(fd);
	if (result == 0) {
		ssize_t n = read_all(fd, line, sizeof line);
		bool whole = n == KEY_TEXT_BYTES - 1 ||
			     (n == KEY_TEXT_BYTES && line[KEY_TEXT_BYTES - 1] == '\n');
		if (n < 0)
			result = (int)n;
		else
			result = whole ? key_from_text(line, KEY_TEXT_BYTES - 1, secret) : -EBADMSG;
	}
	sodium_memzero(line, sizeof line);
	close(fd);
	return result;
}

int key_pair_create(const char *path, struct noise_keypair *keypair)
{
	noise_generate(keypair);
	int result = key_save(path, keypair->secret);
	if (result)
		sodium_memzero(keypair, sizeof *keypair);
	return result;
}

int key_pair_load(const char *path, struct noise_keypair *keypair)
{
	sodium_memzero(keypair, sizeof *keypair);
	int result = key_load(path, keypair->secret);
	if (result == 0)
		noise_public_key(keypair);
	return result;
}

const char *key_error_text(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case -EEXIST:
		return "the key file exists already and is never overwritten";
	case -EPERM:
		return "others than the owner may read or write the key file: chmod 600 it, and "
		       "replace the key if somebody may have read it";
	case -EBADMSG:
		return "not a key file: one line of base64 for 32 bytes is expected";
	default:
		return strerror(-error);
	}
}
