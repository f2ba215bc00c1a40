#include "restored.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN_DIGITS = 8 /* of an id, as `chappectl invitation list` shows it */ };

int restored_mark(const char *state_dir, char error[STORE_ERROR_BYTES])
{
	char path[STORE_ERROR_BYTES];
	const int len = snprintf(path, sizeof path, "%s/" STORE_RESTORED_FILE, state_dir);
	if (len < 0 || (size_t)len >= sizeof path)
		return -ENAMETOOLONG;
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const int result = fd < 0 || fsync(fd) != 0 ? -errno : 0;
	if (result < 0)
		snprintf(error, STORE_ERROR_BYTES, "%.400s: %s", path, strerror(-result));
	if (fd >= 0)
		close(fd);
	return result;
}

static int list_open(void *arg, const struct store_invitation *invitation)
{
	char id[2 * WIRE_INVITATION_ID_BYTES + 1];
	if (invitation->used_s != 0 || invitation->expires_s <= time(NULL))
		return 0;
	sodium_bin2hex(id, sizeof id, invitation->id, sizeof invitation->id);
	return json_array_append_new((json_t *)arg, json_string(id)) == 0 ? 0 : -ENOMEM;
}

static int delete_listed(struct store *store, const json_t *listed)
{
	uint8_t id[WIRE_INVITATION_ID_BYTES];
	size_t i, len;
	json_t *text;
	json_array_foreach (listed, i, text) {
		if (sodium_hex2bin(id, sizeof id, json_string_value(text), json_string_length(text),
			    NULL, &len, NULL) != 0 ||
			len != sizeof id)
			return -EINVAL;
		const int result = store_invitation_delete(store, id);
		if (result < 0)
			return result;
	}
	return 0;
}

static int note(struct store *store, size_t count)
{
	char who[96], what[96];
	const struct passwd *user = getpwuid(getuid());
	snprintf(who, sizeof who, "%.32s uid=%u gid=%u pid=%d", user ? user->pw_name : "?",
		getuid(), getgid(), getpid());
	snprintf(
		what, sizeof what, "restore: open invitations of the backup cancelled: %zu", count);
	return store_audit_add(store, time(NULL), who, what, "ok");
}

int restored_cancel_invitations(
	const char *state_dir, json_t *cancelled, char error[STORE_ERROR_BYTES])
{
	struct store *store;
	int result = store_open(state_dir, &store, error);
	if (result < 0)
		return result;
	json_t *listed = json_array();
	result = store_invitations(store, list_open, listed);
	if (result == 0)
		result = delete_listed(store, listed);
	if (result == 0)
		result = note(store, json_array_size(listed));
	if (result == 0)
		result = store_commit(store);
	size_t i;
	json_t *id;
	json_array_foreach (listed, i, id) {
		json_array_append_new(cancelled, json_stringn(json_string_value(id), SHOWN_DIGITS));
	}
	json_decref(listed);
	if (result < 0)
		snprintf(error, STORE_ERROR_BYTES, "%.400s/%s: invitations can't be cancelled: %s",
			state_dir, STORE_FILE, strerror(-result));
	store_close(store);
	return result;
}
