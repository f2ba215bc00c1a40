#include "backup_format.h"
#include "cli.h"
#include "client.h"
#include "control/store.h"
#include "control/store_copy.h"
#include "files.h"
#include "owner.h"
#include "print.h"
#include "src/key.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct restore {
	const struct options *options;
	struct owner owner;
	struct files files;
	const char *from;
	bool messages;          /* the backup has them, and they are wanted */
	json_t *about, *listed; /* listed: file -> sum */
	/* Where it is put together; "" before they are made. */
	char state[FILES_PATH_BYTES], store[FILES_PATH_BYTES];
};

static int damaged(const struct restore *restore, const char *what, const char *why)
{
	return client_error(restore->options, CLI_DAMAGED, "damaged",
		"%s/%s: %s. This is no whole backup: nothing was restored; take another one",
		restore->from, what, why);
}

static int failed(const struct restore *restore, int error)
{
	return client_error(restore->options,
		error == -EACCES || error == -EPERM ? CLI_FORBIDDEN : CLI_FAILED,
		error == -EACCES || error == -EPERM ? "forbidden" : "internal",
		"%s: nothing was restored", restore->files.error);
}

/* A line of sums names a file of the backup and nothing else. */
static bool label_ok(const char *label)
{
	const size_t len = strlen(label);
	if (len == 0 || label[0] == '/' || label[len - 1] == '/' || strstr(label, "//") != NULL)
		return false;
	for (const char *part = label; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 || strncmp(part, "./", 2) == 0)
			return false;
	}
	return true;
}

static int read_sums(struct restore *restore)
{
	char path[FILES_PATH_BYTES], *line = NULL;
	size_t room = 0;
	ssize_t len;
	int r = CLI_OK;
	snprintf(path, sizeof path, "%s/" BACKUP_SUMS, restore->from);
	FILE *sums = fopen(path, "re");
	if (sums == NULL)
		return errno == ENOENT
			       ? client_error(restore->options, CLI_NOT_FOUND, "not_found",
					 "%s: no such file. Is %s a backup (chappectl backup)?",
					 path, restore->from)
			       : damaged(restore, BACKUP_SUMS, strerror(errno));
	restore->listed = json_object();
	while (r == CLI_OK && (len = getline(&line, &room, sums)) > 0) {
		const size_t sum = FILES_SUM_BYTES - 1;
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if ((size_t)len <= sum + 2 || strspn(line, "0123456789abcdef") != sum ||
			line[sum] != ' ' || line[sum + 1] != ' ' || !label_ok(line + sum + 2)) {
			r = damaged(restore, BACKUP_SUMS, "a line is no sum of a file");
			break;
		}
		json_object_set_new(
			restore->listed, line + sum + 2, json_stringn(line, FILES_SUM_BYTES - 1));
	}
	free(line);
	fclose(sums);
	return r;
}

static int read_about(struct restore *restore)
{
	char path[FILES_PATH_BYTES];
	json_error_t error;
	snprintf(path, sizeof path, "%s/" BACKUP_ABOUT, restore->from);
	restore->about = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (restore->about == NULL)
		return damaged(restore, BACKUP_ABOUT, error.text);
	const int64_t format = print_integer(restore->about, "format");
	if (format > BACKUP_FORMAT)
		return client_error(restore->options, CLI_REFUSED, "conflict",
			"%s: made by a later version of Chappe (%s): restore it with that", path,
			print_text(restore->about, "version"));
	if (format < 1 ||
		(size_t)print_integer(restore->about, "files") != json_object_size(restore->listed))
		return damaged(
			restore, BACKUP_ABOUT, "its number of files is not that of the sums");
	restore->messages = json_is_true(json_object_get(restore->about, "messages")) &&
			    !restore->options->given[OPTION_without_store];
	return CLI_OK;
}

static int look_at_target(const struct restore *restore, struct files *files, const char *path)
{
	const int r = files_empty(files, path);
	if (r == 0)
		return CLI_OK;
	if (r == -ENOTEMPTY)
		return client_error(restore->options, CLI_REFUSED, "conflict",
			"%s: a backup is restored to an empty or new directory, so that no relay "
			"is lost by it; nothing was changed",
			files->error);
	return failed(restore, r);
}

/* Only files that are listed may be there: what nobody summed could be anything. */
static int visit_file(void *arg, const char *relative)
{
	const struct restore *restore = arg;
	if (strcmp(relative, BACKUP_SUMS) == 0 ||
		json_object_get(restore->listed, relative) != NULL)
		return 0;
	return damaged(restore, relative, "not in " BACKUP_SUMS);
}

static int make_parents(struct restore *restore, const char *path)
{
	char part[FILES_PATH_BYTES];
	snprintf(part, sizeof part, "%s", path);
	for (char *slash = part; (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST) {
			const int error = -errno;
			snprintf(restore->files.error, sizeof restore->files.error, "%.4000s: %s",
				part, strerror(-error));
			return failed(restore, error);
		}
		*slash = '/';
	}
	return CLI_OK;
}

/* Where a file of the backup goes; one that is not restored, to a place where it is checked all the
 * same. */
static int target_of(
	struct restore *restore, const char *label, char path[FILES_PATH_BYTES], bool *wanted)
{
	static const char control[] = BACKUP_CONTROL "/", store[] = BACKUP_STORE "/";
	*wanted = true;
	if (strncmp(label, control, sizeof control - 1) == 0)
		return files_join(
			&restore->files, path, restore->state, label + sizeof control - 1);
	if (restore->messages && strncmp(label, store, sizeof store - 1) == 0)
		return files_join(&restore->files, path, restore->store, label + sizeof store - 1);
	*wanted = false;
	return files_join(&restore->files, path, restore->state, ".check");
}

static int copy_one(struct restore *restore, const char *label, const char *listed)
{
	char from[FILES_PATH_BYTES], to[FILES_PATH_BYTES], sum[FILES_SUM_BYTES];
	bool wanted;
	int r = files_join(&restore->files, from, restore->from, label);
	if (r == 0)
		r = target_of(restore, label, to, &wanted);
	if (r != 0)
		return failed(restore, r);
	r = wanted ? make_parents(restore, to) : CLI_OK;
	if (r != CLI_OK)
		return r;
	r = files_copy(&restore->files, from, to, label, sum);
	if (r == -ENOENT && access(from, F_OK) != 0)
		return damaged(restore, label, "it is missing");
	if (r == -EIO)
		return damaged(restore, label, "can't be read");
	if (r != 0)
		return failed(restore, r);
	if (!wanted)
		unlink(to);
	return strcmp(sum, listed) == 0
		       ? CLI_OK
		       : damaged(restore, label, "its sum is not that in " BACKUP_SUMS);
}

static int copy_all(struct restore *restore)
{
	const char *label;
	json_t *listed;
	json_object_foreach (restore->listed, label, listed) {
		const int r = copy_one(restore, label, json_string_value(listed));
		if (r != CLI_OK)
			return r;
	}
	return CLI_OK;
}

static int mark_restored(struct restore *restore)
{
	char path[FILES_PATH_BYTES];
	int r = files_join(&restore->files, path, restore->state, STORE_RESTORED_FILE);
	if (r != 0)
		return failed(restore, r);
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fsync(fd) != 0) {
		r = -errno;
		snprintf(restore->files.error, sizeof restore->files.error, "%s: %s", path,
			strerror(-r));
	}
	if (fd >= 0)
		close(fd);
	return r == 0 ? CLI_OK : failed(restore, r);
}

/* The relay's key is the one it says, and control's store is whole. */
static int look_at_copy(struct restore *restore)
{
	struct noise_keypair keypair = { 0 };
	char path[FILES_PATH_BYTES], text[KEY_TEXT_BYTES], error[STORE_ERROR_BYTES];
	int r = files_join(&restore->files, path, restore->state, STORE_KEY_FILE);
	if (r != 0)
		return failed(restore, r);
	r = key_pair_load(path, &keypair);
	if (r == 0)
		key_to_text(keypair.public, text);
	sodium_memzero(&keypair, sizeof keypair);
	if (r != 0)
		return damaged(restore, BACKUP_CONTROL "/" STORE_KEY_FILE, key_error_text(r));
	if (strcmp(text, print_text(restore->about, "relay_key")) != 0)
		return damaged(restore, BACKUP_CONTROL "/" STORE_KEY_FILE, "another relay's key");
	if (store_check(restore->state, error) != 0)
		return damaged(restore, BACKUP_CONTROL "/" STORE_FILE, error);
	return mark_restored(restore);
}

static int sync_and_give(struct restore *restore, const char *path)
{
	struct files *files = &restore->files;
	int r = restore->owner.change
			? files_give(files, path, restore->owner.uid, restore->owner.gid)
			: 0;
	if (r == 0)
		r = files_sync_directory(files, path);
	return r == 0 ? CLI_OK : failed(restore, r);
}

/* The message store first: without control's state a relay does not start. */
static int move_all(struct restore *restore)
{
	const struct options *options = restore->options;
	struct files *files = &restore->files;
	int r = restore->messages ? files_move(files, restore->store, options->store) : 0;
	if (r != 0)
		return failed(restore, r);
	r = files_move(files, restore->state, options->state);
	if (r == 0)
		return CLI_OK;
	if (restore->messages)
		files_remove(options->store);
	return failed(restore, r);
}

static int build(struct restore *restore)
{
	const struct options *options = restore->options;
	struct files *files = &restore->files;
	int r = files_temporary(files, options->state, "restore", restore->state);
	if (r == 0 && restore->messages)
		r = files_temporary(files, options->store, "restore", restore->store);
	if (r != 0)
		return failed(restore, r);
	r = copy_all(restore);
	if (r == CLI_OK)
		r = look_at_copy(restore);
	if (r == CLI_OK)
		r = sync_and_give(restore, restore->state);
	if (r == CLI_OK && restore->messages)
		r = sync_and_give(restore, restore->store);
	return r == CLI_OK ? move_all(restore) : r;
}

static void report(const struct restore *restore)
{
	const struct options *options = restore->options;
	const char *at = print_text(restore->about, "at");
	if (options->json) {
		print_json(json_pack("{s:s,s:s,s:s,s:s?}", "at", at, "relay_key",
			print_text(restore->about, "relay_key"), "state", options->state, "store",
			restore->messages ? options->store : NULL));
		return;
	}
	printf("Relay key %s, as of %s\n"
	       "  %s  relay.key, chappe.db\n",
		print_text(restore->about, "relay_key"), at, options->state);
	if (restore->messages)
		printf("  %s  messages that waited then\n", options->store);
	puts("Next: restart chappe-dataplane, chappe-store and chappe-control. What happened since "
	     "then is\n"
	     "not in it: revoke again what was revoked; who enrolled needs a new invitation; "
	     "invitations\n"
	     "that were used are open again (`chappectl invitation list`, `invitation cancel`).");
}

int cli_restore(const struct options *options)
{
	struct restore restore = { .options = options, .from = options->operand[0] };
	if (sodium_init() < 0)
		return client_error(options, CLI_FAILED, "internal", "libsodium does not start");
	if (strlen(options->state) > 1024 || strlen(options->store) > 1024 ||
		strlen(restore.from) > 1024)
		return client_error(options, CLI_USAGE, "bad_request", "too long a path");
	umask(077);
	int r = owner_find(options, &restore.owner);
	if (r == CLI_OK)
		r = read_sums(&restore);
	if (r == CLI_OK)
		r = read_about(&restore);
	if (r == CLI_OK)
		r = look_at_target(&restore, &restore.files, options->state);
	if (r == CLI_OK && restore.messages)
		r = look_at_target(&restore, &restore.files, options->store);
	if (r == CLI_OK) {
		r = files_walk(&restore.files, restore.from, visit_file, &restore);
		if (r < 0)
			r = failed(&restore, r);
	}
	files_catch_signals();
	if (r == CLI_OK)
		r = build(&restore);
	if (r == CLI_OK) {
		report(&restore);
	} else {
		if (restore.state[0] != '\0')
			files_remove(restore.state);
		if (restore.store[0] != '\0')
			files_remove(restore.store);
	}
	json_decref(restore.about);
	json_decref(restore.listed);
	return r;
}
