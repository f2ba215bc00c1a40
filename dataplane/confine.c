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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

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

/* What the process still calls. Why, where it is not plain from the name:
 * - rx and tx of kernel-backed drivers: net_tap readv and writev; net_af_packet poll and sendto;
 *   net_af_xdp sendto, recvfrom and poll; net_memif read and write on eventfds;
 * - a memif peer that returns: connect, accept, sendmsg and recvmsg with descriptors, mmap of its
 *   regions; memfd_create, ftruncate and fcntl for ours; epoll_ctl, timerfd_settime and
 *   epoll_create in EAL's interrupt thread, which panics without;
 * - links to control and store: accept4, getsockopt (peer credentials), recv, sendmsg;
 * - leaving: unlink of sockets and pid file, tgkill and the rest of how glibc ends threads; ioctl,
 *   getsockname, bind and setsockopt for the stop functions of drivers. */
static const int confine_calls[] = {
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(bind),
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(connect),
	SCMP_SYS(epoll_create),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(getpeername),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(ioctl),
	SCMP_SYS(listen),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(munlock),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(tgkill),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* Nothing in the process ever asks for these: whoever does is not the program. */
static const int confine_killing_calls[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(mount),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
};

/* Everything else is answered EPERM: a driver's housekeeping call that this list does not know, of
 * another version of DPDK, must not end a relay that is carrying traffic. */
int confine_seccomp(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; !result && i < sizeof confine_calls / sizeof *confine_calls; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, confine_calls[i], 0);
	/* A memif peer is on a UNIX socket; nothing makes a socket of a network any more. */
	if (!result)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	for (size_t i = 0;
		!result && i < sizeof confine_killing_calls / sizeof *confine_killing_calls; i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_KILL_PROCESS, confine_killing_calls[i], 0);
	if (!result)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
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
