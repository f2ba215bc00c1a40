#include "backup_format.h"
#include "cli.h"
#include "client.h"
#include "control/store.h"
#include "files.h"
#include "print.h"
#include "src/key.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAKE_WAIT_S = 310 /* above what chappe-control takes for the copies */ };

static int fail(const struct options *options, const struct files *files, int error)
{
	if (error == -EACCES || error == -EPERM)
		return client_error(options, CLI_FORBIDDEN, "forbidden",
			"%s. A backup reads all of the relay's state: run it as root; nothing was "
			"left behind",
			files->error);
	return client_error(options, CLI_FAILED, "internal",
		"%s: the backup was not made, nothing was left behind", files->error);
}

static int copy_one(struct files *files, const char *from, const char *directory, const char *label)
{
	char to[FILES_PATH_BYTES], sum[FILES_SUM_BYTES];
	return files_join(files, to, directory, label) == 0
		       ? files_copy(files, from, to, label, sum)
		       : -ENAMETOOLONG;
}

static int copy_control(struct files *files, const json_t *made, const char *directory)
{
	char from[FILES_PATH_BYTES], to[FILES_PATH_BYTES];
	int r = files_join(files, to, directory, BACKUP_CONTROL);
	if (r == 0 && mkdir(to, 0700) != 0) {
		r = -errno;
		snprintf(files->error, sizeof files->error, "%s: %s", to, strerror(-r));
	}
	if (r == 0)
		r = files_join(files, from, print_text(made, "control"), STORE_FILE);
	if (r == 0)
		r = copy_one(files, from, directory, BACKUP_CONTROL "/" STORE_FILE);
	if (r == 0)
		r = copy_one(files, print_text(made, "relay_key"), directory,
			BACKUP_CONTROL "/" STORE_KEY_FILE);
	return r == 0 ? files_sync_directory(files, to) : r;
}

static json_t *about_json(struct files *files, const json_t *made, const char *directory)
{
	struct noise_keypair keypair = { 0 };
	char path[FILES_PATH_BYTES], text[KEY_TEXT_BYTES] = "";
	if (files_join(files, path, directory, BACKUP_CONTROL "/" STORE_KEY_FILE) == 0 &&
		key_pair_load(path, &keypair) == 0)
		key_to_text(keypair.public, text);
	sodium_memzero(&keypair, sizeof keypair);
	return json_pack("{s:i,s:s,s:O,s:s,s:b,s:I}", "format", BACKUP_FORMAT, "version",
		CHAPPE_VERSION, "at", json_object_get(made, "at"), "relay_key", text, "messages",
		json_is_string(json_object_get(made, "store")), "files",
		(json_int_t)(files->count + 1));
}

/* What it is, and the sum of that too; then all of it is synced. */
static int write_about(struct files *files, const json_t *made, const char *directory)
{
	char draft[FILES_PATH_BYTES];
	int r = files_join(files, draft, directory, BACKUP_ABOUT ".new");
	json_t *about = about_json(files, made, directory);
	if (r == 0 && json_dump_file(about, draft, JSON_INDENT(2)) != 0) {
		r = -EIO;
		snprintf(files->error, sizeof files->error, "%s: can't be written", draft);
	}
	json_decref(about);
	/* Copied as the others are: synced, 0600, with its sum. */
	if (r == 0)
		r = copy_one(files, draft, directory, BACKUP_ABOUT);
	unlink(draft);
	if (r == 0 && (fflush(files->sums) != 0 || fsync(fileno(files->sums)) != 0)) {
		r = -errno;
		snprintf(files->error, sizeof files->error, "%s/" BACKUP_SUMS ": %s", directory,
			strerror(-r));
	}
	return r == 0 ? files_sync_directory(files, directory) : r;
}

static int fill(struct files *files, const json_t *made, const char *directory)
{
	const char *store = json_string_value(json_object_get(made, "store"));
	char path[FILES_PATH_BYTES];
	int r = files_join(files, path, directory, BACKUP_SUMS);
	files->sums = r == 0 ? fopen(path, "wxe") : NULL;
	if (files->sums == NULL) {
		r = r == 0 ? -errno : r;
		snprintf(files->error, sizeof files->error, "%s: %s", path, strerror(-r));
		return r;
	}
	r = copy_control(files, made, directory);
	if (r == 0 && store != NULL)
		r = files_join(files, path, directory, BACKUP_STORE);
	if (r == 0 && store != NULL)
		r = files_copy_tree(files, store, path, BACKUP_STORE);
	if (r == 0)
		r = write_about(files, made, directory);
	fclose(files->sums);
	files->sums = NULL;
	return r;
}

static int take(const struct options *options, struct files *files, const json_t *made)
{
	char directory[FILES_PATH_BYTES];
	int r = files_temporary(files, options->operand[0], "partial", directory);
	if (r != 0)
		return fail(options, files, r);
	r = fill(files, made, directory);
	if (r == 0)
		r = files_move(files, directory, options->operand[0]);
	if (r == 0)
		return CLI_OK;
	files_remove(directory);
	return fail(options, files, r);
}

static int make(const struct options *options, json_t **made)
{
	json_t *body = json_object();
	if (options->given[OPTION_without_store])
		json_object_set_new(body, "without_store", json_true());
	if (options->given[OPTION_discard])
		json_object_set_new(body, "discard", json_true());
	return client_call_within(options, MAKE_WAIT_S, "POST", "/v1/backup", body, made);
}

static void report(const struct options *options, const struct files *files, json_t *made)
{
	char bytes[32];
	const bool messages = json_is_string(json_object_get(made, "store"));
	if (options->json) {
		print_json(json_pack("{s:s,s:O,s:b,s:I,s:I}", "backup", options->operand[0], "at",
			json_object_get(made, "at"), "messages", messages, "files",
			(json_int_t)files->count, "bytes", (json_int_t)files->bytes));
		return;
	}
	printf("Backup in %s: %llu files, %s, as of %s%s.\n"
	       "Who has it can be your relay, and it keeps what the relay erases from now on: lock "
	       "it away,\n"
	       "and destroy it when a newer one has taken its place.\n",
		options->operand[0], (unsigned long long)files->count,
		print_bytes((int64_t)files->bytes, bytes), print_text(made, "at"),
		messages ? "" : ", without messages");
}

int cli_backup(const struct options *options)
{
	struct files files = { 0 };
	json_t *made, *ended;
	if (sodium_init() < 0)
		return client_error(options, CLI_FAILED, "internal", "libsodium does not start");
	umask(077);
	int r = files_empty(&files, options->operand[0]);
	if (r == -ENOTEMPTY)
		return client_error(options, CLI_REFUSED, "conflict",
			"%s: a backup goes into an empty or new directory; nothing was changed",
			files.error);
	if (r != 0)
		return fail(options, &files, r);
	r = make(options, &made);
	if (r != CLI_OK)
		return r;
	files_catch_signals();
	r = take(options, &files, made);
	const int end =
		client_call_within(options, MAKE_WAIT_S, "DELETE", "/v1/backup", NULL, &ended);
	if (end == CLI_OK)
		json_decref(ended);
	if (r == CLI_OK)
		report(options, &files, made);
	json_decref(made);
	return r != CLI_OK ? r : end;
}
