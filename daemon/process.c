#include "daemon/process.h"
#include "daemon/killing_calls.h"
#include "daemon/log.h"
#include "src/pid_file.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
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
	if (entry->pw_uid == 0) {
		snprintf(error, PROCESS_ERROR_BYTES,
			"[process] user = %.60s is root: name another, or none to keep privileges",
			user);
		return -EINVAL;
	}
	account->uid = entry->pw_uid;
	account->gid = entry->pw_gid;
	snprintf(account->name, sizeof account->name, "%s", user);
	if (geteuid() != 0 && geteuid() == account->uid)
		account->keep = 1;
	return 0;
}

int process_check(const char *config_path, const char *user)
{
	struct process_account account;
	char error[PROCESS_ERROR_BYTES];

	if (process_account(user, &account, error) < 0) {
		log_error("%s: %s", config_path, error);
		return 2;
	}
	printf("%s: fine\n", config_path);
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

int process_pid_file(const char *path, bool *written, char error[PROCESS_ERROR_BYTES])
{
	const int result = path ? pid_file_write(path) : 0;

	*written = path && result == 0;
	if (result < 0)
		snprintf(error, PROCESS_ERROR_BYTES, "%.500s: %s", path, strerror(-result));
	return result;
}

/* What no thread may gain again, not even by a program with privileges in its file. */
static int process_empty_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return -errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ? -errno : 0;
}

/* What ends the process; the rest is allowed. A list of what is allowed would have to follow
 * SQLite, libmicrohttpd and jemalloc from version to version. */
static const int process_killing_calls[] = {
	KILLING_CALLS,
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(keyctl),
	SCMP_SYS(kexec_load),
};

/* Other ways than kill() and tgkill() to send signals, in which nothing here has a part; and
 * clone3(), whose flags no filter can read: glibc then takes clone(). */
static const struct process_refused_call {
	int call, error;
} process_refused_calls[] = {
	{ SCMP_SYS(clone3), ENOSYS },
	{ SCMP_SYS(tkill), EPERM },
	{ SCMP_SYS(rt_sigqueueinfo), EPERM },
	{ SCMP_SYS(rt_tgsigqueueinfo), EPERM },
	{ SCMP_SYS(pidfd_send_signal), EPERM },
};

/* The relay's processes share an account. Signals stay in this one, and it makes threads, but no
 * process, which nobody would know by its number. */
static int process_keep_to_itself(scmp_filter_ctx filter)
{
	const uint64_t self = (uint64_t)getpid();
	int result = 0;

	for (size_t i = 0;
		result == 0 && i < sizeof process_refused_calls / sizeof *process_refused_calls;
		i++)
		result = seccomp_rule_add(filter,
			SCMP_ACT_ERRNO((uint16_t)process_refused_calls[i].error),
			process_refused_calls[i].call, 0);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
			SCMP_A0(SCMP_CMP_NE, self));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
			SCMP_A0(SCMP_CMP_NE, self));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	return result;
}

static int process_seccomp(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	for (size_t i = 0;
		result == 0 && i < sizeof process_killing_calls / sizeof *process_killing_calls;
		i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_KILL_PROCESS, process_killing_calls[i], 0);
	/* The dataplane and administrators are on UNIX sockets: no way leads to a network. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	if (result == 0)
		result = process_keep_to_itself(filter);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

static int process_become(const struct process_account *account)
{
	int result = geteuid() == 0 ? process_empty_bounding_set() : 0;

	if (result == 0 && (initgroups(account->name, account->gid) != 0 ||
				   setresgid(account->gid, account->gid, account->gid) != 0 ||
				   setresuid(account->uid, account->uid, account->uid) != 0))
		result = -errno;
	return result;
}

/* What C library, allocator and database look up, none of it a secret. /proc/self is this process's
 * own. */
static const struct landlock_place process_places[] = {
	{ "/proc/self", LANDLOCK_READS },
	{ "/proc/self/task", LANDLOCK_WRITES }, /* names of threads */
	{ "/proc/sys/kernel/random/uuid", LANDLOCK_READS },
	{ "/sys/devices/system/cpu", LANDLOCK_READS },
	{ NULL, LANDLOCK_READS },
};

static int process_shut_files(const struct landlock_place *places, const char **failed)
{
	struct landlock_place all[LANDLOCK_PLACES_MAX];
	size_t count = 0;

	for (const struct landlock_place *place = process_places; place->path; place++)
		all[count++] = *place;
	for (; places->path && count < LANDLOCK_PLACES_MAX - 1; places++)
		all[count++] = *places;
	if (places->path)
		return -E2BIG;
	all[count] = *places;
	tzset(); /* reads /etc/localtime while it can */
	const int result = landlock_confine(all, failed);
	if (result == -EOPNOTSUPP) {
		log_warning("this kernel has no Landlock, or an old one: which files this process "
			    "may use is up to its account alone");
		return 0;
	}
	return result;
}

int process_drop(const struct process_account *account, const struct landlock_place *places,
	char error[PROCESS_ERROR_BYTES])
{
	const char *failed = NULL;
	int result = account->keep ? 0 : process_become(account);

	if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		result = -errno;
	if (result == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		result = -errno;
	if (result == 0)
		result = process_shut_files(places, &failed);
	if (result == 0)
		result = process_seccomp();
	if (result < 0)
		snprintf(error, PROCESS_ERROR_BYTES, "privileges can't drop to %s: %s%s%s",
			account->keep ? "those it needs" : account->name, failed ? failed : "",
			failed ? ": " : "", strerror(-result));
	return result;
}
