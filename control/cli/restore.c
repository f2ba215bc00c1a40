#include "restore.h"
#include "backup_format.h"
#include "cli.h"
#include "client.h"
#include "control/store.h"
#include "control/store_copy.h"
#include "print.h"
#include "restored.h"
#include "src/key.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	return restore_failed(restore, r);
}

/* Only files that are listed may be there: what nobody summed could be anything. */
static int visit_file(void *arg, const char *relative)
{
	const struct restore *restore = arg;
	if (strcmp(relative, BACKUP_SUMS) == 0 ||
		json_object_get(restore->listed, relative) != NULL)
		return 0;
	return restore_damaged(restore, relative, "not in " BACKUP_SUMS);
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
			return restore_failed(restore, error);
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
		return restore_failed(restore, r);
	r = wanted ? make_parents(restore, to) : CLI_OK;
	if (r != CLI_OK)
		return r;
	r = files_copy(&restore->files, from, to, label, sum);
	if (r == -ENOENT && access(from, F_OK) != 0)
		return restore_damaged(restore, label, "it is missing");
	if (r == -EIO)
		return restore_damaged(restore, label, "can't be read");
	if (r != 0)
		return restore_failed(restore, r);
	if (!wanted)
		unlink(to);
	return strcmp(sum, listed) == 0
		       ? CLI_OK
		       : restore_damaged(restore, label, "its sum is not that in " BACKUP_SUMS);
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

static int use_text(struct restore *restore, int result, const char *text)
{
	if (result == 0)
		return CLI_OK;
	snprintf(restore->files.error, sizeof restore->files.error, "%s", text);
	return restore_failed(restore, result);
}

/* What happened since the backup was made must not be undone in favour of a stranger. */
static int make_safe(struct restore *restore)
{
	char error[STORE_ERROR_BYTES] = "";
	int r = use_text(restore, restored_mark(restore->state, error), error);
	if (r == CLI_OK && !restore->options->given[OPTION_keep_invitations])
		r = use_text(restore,
			restored_cancel_invitations(restore->state, restore->cancelled, error),
			error);
	return r;
}

/* The relay's key is the one it says, and control's store is whole. */
static int look_at_copy(struct restore *restore)
{
	struct noise_keypair keypair = { 0 };
	char path[FILES_PATH_BYTES], text[KEY_TEXT_BYTES], error[STORE_ERROR_BYTES];
	int r = files_join(&restore->files, path, restore->state, STORE_KEY_FILE);
	if (r != 0)
		return restore_failed(restore, r);
	r = key_pair_load(path, &keypair);
	if (r == 0)
		key_to_text(keypair.public, text);
	sodium_memzero(&keypair, sizeof keypair);
	if (r != 0)
		return restore_damaged(
			restore, BACKUP_CONTROL "/" STORE_KEY_FILE, key_error_text(r));
	if (strcmp(text, print_text(restore->about, "relay_key")) != 0)
		return restore_damaged(
			restore, BACKUP_CONTROL "/" STORE_KEY_FILE, "another relay's key");
	if (store_check(restore->state, error) != 0)
		return restore_damaged(restore, BACKUP_CONTROL "/" STORE_FILE, error);
	return make_safe(restore);
}

static int sync_and_give(struct restore *restore, const char *path)
{
	struct files *files = &restore->files;
	int r = restore->owner.change
			? files_give(files, path, restore->owner.uid, restore->owner.gid)
			: 0;
	if (r == 0)
		r = files_sync_directory(files, path);
	return r == 0 ? CLI_OK : restore_failed(restore, r);
}

/* The message store first: without control's state a relay does not start. */
static int move_all(struct restore *restore)
{
	const struct options *options = restore->options;
	struct files *files = &restore->files;
	int r = restore->messages ? files_move(files, restore->store, options->store) : 0;
	if (r != 0)
		return restore_failed(restore, r);
	r = files_move(files, restore->state, options->state);
	if (r == 0)
		return CLI_OK;
	if (restore->messages)
		files_remove(options->store);
	return restore_failed(restore, r);
}

static int build(struct restore *restore)
{
	const struct options *options = restore->options;
	struct files *files = &restore->files;
	int r = files_temporary(files, options->state, "restore", restore->state);
	if (r == 0 && restore->messages)
		r = files_temporary(files, options->store, "restore", restore->store);
	if (r != 0)
		return restore_failed(restore, r);
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
		print_json(json_pack("{s:s,s:s,s:s,s:s?,s:O}", "at", at, "relay_key",
			print_text(restore->about, "relay_key"), "state", options->state, "store",
			restore->messages ? options->store : NULL, "cancelled_invitations",
			restore->cancelled));
		return;
	}
	printf("Relay key %s, as of %s\n"
	       "  %s  relay.key, chappe.db\n",
		print_text(restore->about, "relay_key"), at, options->state);
	if (restore->messages)
		printf("  %s  messages that waited then\n", options->store);
	if (options->given[OPTION_keep_invitations])
		puts("Invitations that were used since are open again: `chappectl invitation "
		     "list`, "
		     "`invitation cancel`.");
	else
		printf("Invitations that were open then and are cancelled, as they may have been "
		       "used since: %zu\n",
			json_array_size(restore->cancelled));
	size_t i;
	json_t *id;
	json_array_foreach (restore->cancelled, i, id) {
		printf("  %s\n", json_string_value(id));
	}
	puts("Next: restart chappe-dataplane, chappe-store and chappe-control. What happened since "
	     "then is\n"
	     "not in it: revoke again what was revoked; who enrolled since, or holds a cancelled "
	     "invitation,\n"
	     "needs a new one (`chappectl invite`).");
}

int cli_restore(const struct options *options)
{
	struct restore restore = {
		.options = options, .from = options->operand[0], .cancelled = json_array()
	};
	if (sodium_init() < 0)
		return client_error(options, CLI_FAILED, "internal", "libsodium does not start");
	if (strlen(options->state) > 1024 || strlen(options->store) > 1024 ||
		strlen(restore.from) > 1024)
		return client_error(options, CLI_USAGE, "bad_request", "too long a path");
	umask(077);
	int r = owner_find(options, &restore.owner);
	if (r == CLI_OK)
		r = restore_read(&restore);
	if (r == CLI_OK)
		r = look_at_target(&restore, &restore.files, options->state);
	if (r == CLI_OK && restore.messages)
		r = look_at_target(&restore, &restore.files, options->store);
	if (r == CLI_OK) {
		r = files_walk(&restore.files, restore.from, visit_file, &restore);
		if (r < 0)
			r = restore_failed(&restore, r);
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
	json_decref(restore.cancelled);
	return r;
}
