#include "confine.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int confine_account(
	const char *user, struct confine_account *account, char *error, size_t error_len)
{
	*account = (struct confine_account){
		.from_root = geteuid() == 0, .uid = geteuid(), .gid = getegid()
	};
	if (strcmp(user, "none") == 0)
		return 0;
	const struct passwd *entry = getpwnam(user);
	if (!entry) {
		snprintf(error, error_len,
			"no account '%s' on this machine: make it (useradd --system %s) or name "
			"another in "
			"[process] user",
			user, user);
		return -ENOENT;
	}
	if (entry->pw_uid == 0) {
		snprintf(error, error_len,
			"[process] user = %s is root: name another, or none to keep privileges",
			user);
		return -EINVAL;
	}
	if (geteuid() != 0 && geteuid() != entry->pw_uid) {
		snprintf(error, error_len,
			"started neither as root nor as '%s', the user of the configuration", user);
		return -EPERM;
	}
	account->drop = true;
	account->uid = entry->pw_uid;
	account->gid = entry->pw_gid;
	return 0;
}

static int confine_capset(bool keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	if (keep) {
		if (syscall(SYS_capget, &head, data) < 0)
			return -errno;
		data[0].inheritable = data[1].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int confine_before_threads(void)
{
	static const struct rlimit none = { 0, 0 };
	static const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	/* Without root this fails, and what the operator set must do. */
	(void)setrlimit(RLIMIT_MEMLOCK, &any);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && geteuid() == 0)
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return confine_capset(true);
}

int confine_drop(const struct confine_account *account)
{
	/* ONFAULT: what EAL only reserves is not touched. */
	if (mlockall(MCL_CURRENT | MCL_ONFAULT) < 0)
		fprintf(stderr,
			"warning memory is not locked: %s; raise the memlock limit so that keys "
			"stay out of "
			"swap\n",
			strerror(errno));
	if (account->drop && geteuid() == 0 &&
		(setgroups(0, NULL) < 0 ||
			setresgid(account->gid, account->gid, account->gid) < 0 ||
			setresuid(account->uid, account->uid, account->uid) < 0))
		return -errno;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

int confine_thread(const struct confine_account *account)
{
	return account->drop ? confine_capset(false) : 0;
}

enum confine_when { CONFINE_ALWAYS, CONFINE_DROPPED, CONFINE_FROM_ROOT };

/* What a status file must say. Without an account to drop to, capabilities may stay; without root
 * nobody could empty the bounding set, which no_new_privs makes useless. */
static const struct confine_expected {
	char field[12];
	uint64_t value;
	enum confine_when when;
	int base;
} confine_expected[] = {
	{ "CapInh:", 0, CONFINE_ALWAYS, 16 },
	{ "CapPrm:", 0, CONFINE_DROPPED, 16 },
	{ "CapEff:", 0, CONFINE_DROPPED, 16 },
	{ "CapBnd:", 0, CONFINE_FROM_ROOT, 16 },
	{ "CapAmb:", 0, CONFINE_ALWAYS, 16 },
	{ "NoNewPrivs:", 1, CONFINE_ALWAYS, 10 },
};
enum { CONFINE_EXPECTED_COUNT = sizeof confine_expected / sizeof *confine_expected };

static bool confine_applies(enum confine_when when, const struct confine_account *account)
{
	return when == CONFINE_DROPPED     ? account->drop
	       : when == CONFINE_FROM_ROOT ? account->from_root
					   : true;
}

static const char *confine_task_fault(FILE *status, const struct confine_account *account)
{
	char line[256];
	uint32_t met = 0;
	while (fgets(line, sizeof line, status))
		for (size_t i = 0; i < CONFINE_EXPECTED_COUNT; i++) {
			const struct confine_expected *e = &confine_expected[i];
			size_t len = strlen(e->field);
			if (strncmp(line, e->field, len) == 0 &&
				(!confine_applies(e->when, account) ||
					strtoull(line + len, NULL, e->base) == e->value))
				met |= 1U << i;
		}
	for (size_t i = 0; i < CONFINE_EXPECTED_COUNT; i++)
		if (!(met & 1U << i))
			return confine_expected[i].field;
	return NULL;
}

int confine_check(const struct confine_account *account, char *error, size_t error_len)
{
	DIR *tasks = opendir("/proc/self/task");
	if (!tasks)
		return -errno;
	int result = 0;
	for (const struct dirent *entry; !result && (entry = readdir(tasks)) != NULL;) {
		char path[sizeof "/proc/self/task//status" + sizeof entry->d_name];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
		FILE *status = fopen(path, "re");
		if (!status)
			continue; /* a thread that ended meanwhile */
		const char *fault = confine_task_fault(status, account);
		fclose(status);
		if (fault) {
			snprintf(error, error_len, "task %s is not confined: %s", entry->d_name,
				fault);
			result = -EPERM;
		}
	}
	closedir(tasks);
	return result;
}
