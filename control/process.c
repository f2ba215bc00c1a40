#include "process.h"
#include "log.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int process_account(
	const char *user, struct process_account *account, char error[PROCESS_ERROR_BYTES])
{
	const struct passwd *entry;

	memset(account, 0, sizeof *account);
	account->keep = strcmp(user, "none") == 0;
	if (account->keep)
		return 0;
	entry = getpwnam(user);
	if (!entry) {
		snprintf(error, PROCESS_ERROR_BYTES,
			"no user %.60s: make one (useradd --system %.60s), or name another as "
			"[process] user",
			user, user);
		return -ENOENT;
	}
	account->uid = entry->pw_uid;
	account->gid = entry->pw_gid;
	snprintf(account->name, sizeof account->name, "%s", user);
	if (geteuid() != 0 && geteuid() == account->uid)
		account->keep = 1;
	return 0;
}

void process_lock(void)
{
	const struct rlimit none = { 0, 0 }, all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &none);
	/* Under a limit, once privileges are gone, allocating would fail instead of locking less:
	 * then only the pieces that hold keys are locked, as far as the limit goes (vault.h). */
	if (setrlimit(RLIMIT_MEMLOCK, &all) != 0 ||
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
		log_warning("not all memory can be locked (%s): keys may reach the swap; lift the "
			    "limit on locked memory (LimitMEMLOCK=infinity)",
			strerror(errno));
}

int process_give_store(const char *state_dir, const struct process_account *account,
	char error[PROCESS_ERROR_BYTES])
{
	static const char *const files[] = { "", "/" STORE_FILE, "/" STORE_FILE "-wal" };

	if (account->keep || geteuid() != 0)
		return 0;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[1024];
		snprintf(path, sizeof path, "%.900s%s", state_dir, files[i]);
		if (lchown(path, account->uid, account->gid) == 0 || errno == ENOENT)
			continue;
		snprintf(error, PROCESS_ERROR_BYTES, "%.500s: can't be given to %s: %s", path,
			account->name, strerror(errno));
		return -errno;
	}
	return 0;
}

int process_drop(const struct process_account *account, char error[PROCESS_ERROR_BYTES])
{
	int result = 0;

	if (!account->keep) {
		if (initgroups(account->name, account->gid) != 0 ||
			setresgid(account->gid, account->gid, account->gid) != 0 ||
			setresuid(account->uid, account->uid, account->uid) != 0)
			result = -errno;
	}
	if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		result = -errno;
	if (result == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		result = -errno;
	if (result < 0)
		snprintf(error, PROCESS_ERROR_BYTES, "privileges can't drop to %s: %s",
			account->name, strerror(-result));
	return result;
}

int process_pid_file(const char *path, char error[PROCESS_ERROR_BYTES])
{
	char text[32];
	int fd, len;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	len = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (fd >= 0 && write(fd, text, (size_t)len) == len && close(fd) == 0)
		return 0;
	snprintf(error, PROCESS_ERROR_BYTES, "%.500s: %s", path, strerror(errno));
	return -errno;
}
