#include "src/cli/cli.h"
#include "src/cli/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct recv_command {
	const char *from, *out;
	uint64_t count, wanted; /* wanted 0: no limit */
	bool follow, terminal;
	bool failed; /* the output is gone */
	struct handover *handover;
};

/* ---- One message to where it belongs; 0 once it is safe there ---- */

/* Pipes and terminals can't be synced, and need not be. */
static int flush_stdout(void)
{
	if (fflush(stdout) || ferror(stdout))
		return -EIO;
	return fsync(STDOUT_FILENO) < 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS
		       ? -errno
		       : 0;
}

/* Bytes of the control character (C0, DEL or, in UTF-8, C1) that stands here; 0 for none. */
static size_t control_bytes(const uint8_t *data, size_t len)
{
	if (*data < 0x20)
		return *data != '\n' && *data != '\t';
	if (*data == 0xc2 && len > 1 && data[1] >= 0x80 && data[1] < 0xa0)
		return 2;
	return *data == 0x7f;
}

/* On a terminal, what a sender wrote must not move the cursor or change a title. Nor may it look
 * like somebody else's message: every line begins with the name, where lines do. */
static void write_text(const uint8_t *data, size_t len, bool terminal, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		size_t control = terminal ? control_bytes(data + i, len - i) : 0;
		if (i > 0 && data[i - 1] == '\n' && name)
			printf("%s: ", name);
		putchar(control ? '?' : data[i]);
		if (control)
			i += control - 1;
	}
}

static int print_plain(const struct recv_command *command, const struct chappe_event *event)
{
	bool exact = command->wanted == 1;

	const char *name = command->from || exact ? NULL : event->contact;

	if (name)
		printf("%s: ", name);
	write_text(event->data, event->len, command->terminal, name);
	if (!exact || command->terminal)
		putchar('\n');
	return flush_stdout();
}

static int print_json(const struct chappe_event *event)
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
	json_dumpf(object, stdout, JSON_COMPACT);
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
static int write_file(const struct recv_command *command, const struct chappe_event *event)
{
	char name[CHAPPE_NAME_MAX_BYTES + 32], half[sizeof name + 8];
	int dir = open(command->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

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
		printf("%s/%s\n", command->out, name);
		fflush(stdout);
	}
	return err;
}

/* ---- Events ---- */

static void note_state(const struct chappe_event *event)
{
	if (event->state == CHAPPE_STATE_CONNECTED && event->error == CHAPPE_OK)
		fprintf(stderr, "chappe: connected\n");
	else if (event->error != CHAPPE_OK)
		fprintf(stderr, "chappe: %s\n", chappe_strerror(event->error));
}

static int on_event(struct cli *cli, const struct chappe_event *event)
{
	struct recv_command *command = cli->command;
	int err;

	handover_event(command->handover, event);
	if (event->type == CHAPPE_EVENT_STATE && command->follow)
		note_state(event);
	if (event->type == CHAPPE_EVENT_NOT_ACCEPTED) /* one of an earlier process */
		fprintf(stderr, "chappe: %s: %s\n", event->contact, chappe_strerror(event->error));
	if (event->type == CHAPPE_EVENT_CONTACT_READY)
		fprintf(stderr, "chappe: %s is now a contact; compare: chappe contact verify %s\n",
			event->contact, event->contact);
	if (event->type != CHAPPE_EVENT_MESSAGE)
		return 0;
	if (command->failed || (command->wanted && command->count >= command->wanted) ||
		(command->from && strcmp(command->from, event->contact) != 0))
		return -EAGAIN;
	if (command->out)
		err = write_file(command, event);
	else
		err = cli->json ? print_json(event) : print_plain(command, event);
	if (err) {
		fprintf(stderr, "chappe: can't write the message: %s\n", strerror(-err));
		command->failed = true;
		return err;
	}
	command->count++;
	return 0;
}

static bool is_done(const struct cli *cli)
{
	const struct recv_command *command = cli->command;

	if (command->failed)
		return true;
	if (command->wanted)
		return command->count >= command->wanted;
	return !command->follow && command->count > 0;
}

static enum chappe_error receive(struct cli *cli, struct recv_command *command, int timeout_ms)
{
	struct chappe_contact contact;
	enum chappe_error error = cli_open(cli);

	if (error)
		return error;
	if (!chappe_joined(cli->chappe))
		return cli_fail(cli, CHAPPE_ERR_NOT_JOINED, NULL);
	if (command->from && chappe_contact_get(cli->chappe, command->from, &contact))
		return cli_fail(cli, CHAPPE_ERR_NO_CONTACT, command->from);
	cli->command = command;
	cli->on_event = on_event;
	command->handover = handover_start(cli);
	error = cli_wait(cli, is_done, timeout_ms, CHAPPE_ERR_TIMEOUT);
	if (command->failed)
		error = CHAPPE_ERR_INTERNAL;
	else if (command->count > 0)
		cli_linger(cli);
	if (!command->failed)
		cli_settle(cli);
	handover_finish(command->handover);
	command->handover = NULL;
	if (error == CHAPPE_ERR_TIMEOUT && command->count > 0 && !command->wanted)
		return CHAPPE_OK;
	return error ? cli_fail(cli, error, NULL) : CHAPPE_OK;
}

static bool parse_count(const char *text, uint64_t *count)
{
	char *end;

	*count = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && !*end;
}

static bool parse_ack_within(const char *text, uint32_t *seconds)
{
	uint64_t number;
	bool ok = parse_count(text, &number) && number <= 3600;

	*seconds = ok ? (uint32_t)number : 0;
	return ok;
}

enum chappe_error cli_recv(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' }, { "from", required_argument, NULL, 'n' },
		{ "out", required_argument, NULL, 'o' }, { "follow", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' }, { "ack-within", required_argument, NULL, 'a' },
		{ 0 } };
	struct recv_command command = { .terminal = isatty(STDOUT_FILENO) };
	int option, timeout_ms = -1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'f')
			command.follow = true;
		else if (option == 'j')
			cli->json = true;
		else if (option == 'n')
			command.from = optarg;
		else if (option == 'o')
			command.out = optarg;
		else if (option == 'c' && !parse_count(optarg, &command.wanted))
			return cli_usage(cli, "recv", "--count needs a number from 1");
		else if (option == 't' && !cli_parse_seconds(optarg, &timeout_ms))
			return cli_usage(cli, "recv", "--timeout needs seconds");
		else if (option == 'a' && !parse_ack_within(optarg, &cli->acknowledge_within_s))
			return cli_usage(cli, "recv", "--ack-within needs 1 to 3600 seconds");
		else if (option == '?')
			return cli_usage(cli, "recv", NULL);
	}
	if (optind != argc)
		return cli_usage(
			cli, "recv", "recv takes options only; --from NAME names a contact");
	if (command.out && mkdir(command.out, 0700) < 0 && errno != EEXIST) {
		fprintf(stderr, "chappe: %s: %s\n", command.out, strerror(errno));
		return CHAPPE_ERR_USAGE;
	}
	return receive(cli, &command, timeout_ms);
}
