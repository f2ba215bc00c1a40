#include "backup.h"
#include "daemon/log.h"
#include "state.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGES_WAIT_S = 240, WIPE_BYTES = 65536 };

static int path_of(const struct control *control, const char *name, char path[CONFIG_PATH_BYTES])
{
	const int len =
		snprintf(path, CONFIG_PATH_BYTES, "%s/%s", control->config->state_dir, name);

	return len < CONFIG_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

/* Its bytes go before its name does: routes and secrets are in it. */
static int wipe_file(const char *path)
{
	static const uint8_t zeros[WIPE_BYTES];
	struct stat status;
	const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &status) != 0)
		result = -errno;
	for (off_t at = 0; result == 0 && at < status.st_size; at += WIPE_BYTES) {
		const size_t left = (size_t)(status.st_size - at);
		if (pwrite(fd, zeros, left < WIPE_BYTES ? left : WIPE_BYTES, at) < 0)
			result = -errno;
	}
	if (fsync(fd) != 0 && result == 0)
		result = -errno;
	close(fd);
	if (unlink(path) != 0 && result == 0)
		result = -errno;
	return result;
}

static int remove_copy(const struct control *control)
{
	static const char *const files[] = { "/" STORE_FILE, "/" STORE_FILE "-journal",
		"/" STORE_FILE "-wal", "/" STORE_FILE "-shm" };
	char path[CONFIG_PATH_BYTES], file[CONFIG_PATH_BYTES + 32];
	int result = path_of(control, BACKUP_DIR, path);

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(file, sizeof file, "%s%s", path, files[i]);
		const int one = wipe_file(file);
		if (result == 0)
			result = one;
	}
	if (rmdir(path) != 0 && errno != ENOENT && result == 0)
		result = -errno;
	if (result < 0)
		log_error("%s: can't be removed: %s; remove it, it holds a copy of the store", path,
			strerror(-result));
	return result;
}

static void on_messages_ended(void *arg, int error, const struct admin_reply *reply)
{
	(void)arg;
	if (error == 0 && reply->result < 0)
		log_warning(
			"chappe-store could not remove its copy for the backup: %s", reply->text);
}

int control_backup_end(struct control *control, control_message_done *done, void *arg)
{
	const struct admin_request request = { .op = ADMIN_BACKUP_END };
	struct backup *backup = &control->backup;
	const bool with_messages = backup->with_messages;
	int result;

	if (backup->phase == BACKUP_NONE)
		return -ENOENT;
	store_copy_end(backup->copy);
	if (backup->turn)
		event_free(backup->turn);
	message_link_forget(control->messages.link, backup);
	*backup = (struct backup){ 0 };
	result = remove_copy(control);
	/* A message store that is away removes its copy when it starts. */
	if (with_messages &&
		message_link_ask(control->messages.link, &request, 1000 * MESSAGES_WAIT_S,
			done ? done : on_messages_ended, done ? arg : control) == 0 &&
		result == 0)
		result = 1;
	return result;
}

static void finish(struct control *control, int error, const char *text)
{
	struct backup *backup = &control->backup;
	control_backup_done *done = backup->done;
	void *arg = backup->arg;
	struct control_backup made = backup->made;

	backup->done = NULL;
	if (error == 0)
		backup->phase = BACKUP_MADE;
	else
		(void)control_backup_end(control, NULL, NULL);
	if (done)
		done(arg, error, text, &made);
}

static void copy_on(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = { .tv_usec = 500 };
	struct control *control = arg;
	struct backup *backup = &control->backup;
	char error[STORE_ERROR_BYTES] = "";
	const int result = store_copy_step(backup->copy, error);

	(void)fd;
	(void)what;
	if (result == 1) {
		evtimer_add(backup->turn, &soon);
		return;
	}
	store_copy_end(backup->copy);
	backup->copy = NULL;
	finish(control, result, error);
}

static void copy_store(struct control *control)
{
	const struct timeval soon = { 0 };
	struct backup *backup = &control->backup;
	char path[CONFIG_PATH_BYTES + 32], error[STORE_ERROR_BYTES] = "";
	int result;

	backup->phase = BACKUP_STORE;
	snprintf(path, sizeof path, "%s/" STORE_FILE, backup->made.control);
	result = mkdir(backup->made.control, 0700) != 0 ? -errno : 0;
	if (result < 0)
		snprintf(error, sizeof error, "%s: %s", backup->made.control, strerror(-result));
	else
		result = store_copy_begin(control->store, path, &backup->copy, error);
	if (result == 0) {
		backup->turn = evtimer_new(control->base, copy_on, control);
		result = backup->turn ? 0 : -ENOMEM;
	}
	if (result < 0) {
		finish(control, result, error);
		return;
	}
	event_priority_set(backup->turn, 2);
	evtimer_add(backup->turn, &soon);
}

static void on_messages(void *arg, int error, const struct admin_reply *reply)
{
	struct backup *backup = arg;
	struct control *control = backup->control;

	if (error < 0 || reply->result < 0) {
		finish(control, error < 0 ? error : reply->result,
			error < 0 ? "chappe-store did not make its copy" : reply->text);
		return;
	}
	memcpy(backup->made.messages, reply->path.path, sizeof backup->made.messages);
	backup->made.messages[sizeof backup->made.messages - 1] = '\0';
	copy_store(control);
}

int control_backup(
	struct control *control, bool with_messages, control_backup_done *done, void *arg)
{
	const struct admin_request request = { .op = ADMIN_BACKUP };
	struct backup *backup = &control->backup;
	int result;

	if (backup->phase != BACKUP_NONE)
		return -EBUSY;
	*backup = (struct backup){
		.phase = BACKUP_MESSAGES,
		.control = control,
		.with_messages = with_messages,
		.began_s = control_now_s(),
		.done = done,
		.arg = arg,
	};
	result = path_of(control, BACKUP_DIR, backup->made.control);
	if (result == 0)
		result = path_of(control, STORE_KEY_FILE, backup->made.key);
	if (result == 0)
		result = remove_copy(control);
	/* The messages first: each of their routes is in the copy of control's store then, unless
	 * it was revoked meanwhile. */
	if (result == 0 && with_messages)
		result = message_link_ask(control->messages.link, &request, 1000 * MESSAGES_WAIT_S,
			on_messages, backup);
	if (result < 0)
		*backup = (struct backup){ 0 };
	else if (!with_messages)
		copy_store(control);
	return result;
}

int64_t control_backup_since(const struct control *control)
{
	return control->backup.phase == BACKUP_NONE ? 0 : control->backup.began_s;
}

void backup_start(struct control *control)
{
	char path[CONFIG_PATH_BYTES];

	(void)remove_copy(control);
	control->restored =
		path_of(control, STORE_RESTORED_FILE, path) == 0 && access(path, F_OK) == 0;
}

void backup_stop(struct control *control)
{
	if (control->backup.phase == BACKUP_NONE)
		return;
	if (control->backup.done)
		finish(control, -ECANCELED, "chappe-control is stopping");
	else
		(void)control_backup_end(control, NULL, NULL);
}

void backup_second(struct control *control, int64_t now_s)
{
	struct backup *backup = &control->backup;

	if (backup->phase == BACKUP_MADE && now_s - backup->began_s >= BACKUP_KEEP_S) {
		log_warning("a backup that was begun an hour ago was not ended: its copies are "
			    "removed");
		(void)control_backup_end(control, NULL, NULL);
	}
}

void backup_forget(struct control *control, const void *arg)
{
	struct backup *backup = &control->backup;

	if (backup->done && backup->arg == arg) {
		backup->done = NULL;
		(void)control_backup_end(control, NULL, NULL);
	}
}

void backup_in_step(struct control *control)
{
	char path[CONFIG_PATH_BYTES];

	if (!control->restored || path_of(control, STORE_RESTORED_FILE, path) < 0)
		return;
	if (unlink(path) != 0)
		log_error("%s: %s; remove it", path, strerror(errno));
	control->restored = false;
}
