#include "src/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

/* Pipes and terminals can't be synced, and need not be. */
static int flush_stdout(void)
{
	if (fflush(stdout))
		return -errno;
	if (ferror(stdout))
		return -EIO;
	return fsync(STDOUT_FILENO) < 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS
		       ? -errno
		       : 0;
}

/* On a terminal, what a sender wrote must not move the cursor or change a title: no control
 * characters (C0, DEL, C1), and no bytes that are none of the terminal's characters. Returns the
 * bytes of the one that stands here; *shown is false where '?' is to stand for it. */
static size_t next_character(const uint8_t *data, size_t len, bool *shown)
{
	mbstate_t state = { 0 };
	wchar_t c = 0;
	size_t n = mbrtowc(&c, (const char *)data, len, &state);

	*shown = n != 0 && n <= len && (c >= 0x20 || c == '\n' || c == '\t') &&
		 (c < 0x7f || c >= 0xa0);
	return n == 0 || n > len ? 1 : n;
}

/* Nor may it look like somebody else's message: every line begins with the name, where lines do. */
static void write_text(const uint8_t *data, size_t len, bool terminal, const char *name)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		bool shown = true;
		n = terminal ? next_character(data + i, len - i, &shown) : 1;
		if (i > 0 && data[i - 1] == '\n' && name)
			printf("%s: ", name);
		if (shown)
			fwrite(data + i, 1, n, stdout);
		else
			putchar('?');
	}
}

static int print_plain(const struct output *output, const struct chappe_event *event)
{
	const char *name = output->names ? event->contact : NULL;

	if (name)
		printf("%s: ", name);
	write_text(event->data, event->len, output->terminal, name);
	if (!output->exact || output->terminal)
		putchar('\n');
	return flush_stdout();
}

static int print_json(const struct output *output, const struct chappe_event *event)
{
	size_t size = sodium_base64_encoded_len(event->len, sodium_base64_VARIANT_ORIGINAL);
	char *base64 = malloc(size);
	json_t *object, *text;

	if (!base64)
		return -ENOMEM;
	sodium_bin2base64(base64, size, event->data, event->len, sodium_base64_VARIANT_ORIGINAL);
	object = json_pack("{s:s, s:I, s:s}", "contact", event->contact, "message",
		(json_int_t)event->message, "data", base64);
	/* NULL where the bytes are not UTF-8 */
	text = json_stringn(event->data ? (const char *)event->data : "", event->len);
	if (text)
		json_object_set_new(object, "text", text);
	/* C1 control characters are no better on a terminal in JSON */
	json_dumpf(object, stdout, JSON_COMPACT | (output->terminal ? JSON_ENSURE_ASCII : 0));
	putchar('\n');
	json_decref(object);
	sodium_memzero(base64, size);
	free(base64);
	return flush_stdout();
}

static int write_synced(int dir, const char *name, const uint8_t *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	while (len > 0 && !err) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	if (!err && fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* The number makes the name, so a message that comes again after a crash replaces itself. */
static int write_file(const struct output *output, const struct chappe_event *event)
{
	char name[CHAPPE_NAME_MAX_BYTES + 32], half[sizeof name + 8];
	int dir = open(output->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (dir < 0)
		return -errno;
	snprintf(name, sizeof name, "%s-%012" PRIu64, event->contact, event->message);
	snprintf(half, sizeof half, ".%s.half", name);
	err = write_synced(dir, half, event->data, event->len);
	if (!err && renameat(dir, half, dir, name) < 0)
		err = -errno;
	if (!err && fsync(dir) < 0)
		err = -errno;
	close(dir);
	if (!err) {
		printf("%s/%s\n", output->directory, name);
		fflush(stdout);
	}
	return err;
}

int output_message(const struct output *output, const struct chappe_event *event)
{
	if (output->directory)
		return write_file(output, event);
	return output->json ? print_json(output, event) : print_plain(output, event);
}
