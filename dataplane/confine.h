/* Confinement: what the process gives up once it has its memory, ports and sockets.
 *
 * Capabilities, no_new_privs and seccomp are properties of threads, and EAL makes threads of its
 * own. So what can be given up before EAL starts is given up then and inherited: no_new_privs, the
 * bounding set, inheritable and ambient capabilities, core dumps. The rest is given up by every
 * thread: set*id() reaches all of them through glibc, capset() is run by each (confine_thread()),
 * seccomp is synchronised by the kernel (TSYNC: all threads or an error), before it confine_check()
 * reads what each task has. */
#ifndef CHAPPE_DATAPLANE_CONFINE_H
#define CHAPPE_DATAPLANE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct confine_account {
	bool drop;      /* false: user = none */
	bool from_root; /* the bounding set can be emptied; else it is the service manager's */
	uid_t uid;
	gid_t gid;
};

/* Looks an account up; "none" keeps what the process has. Returns 0, or -ENOENT with a text. */
int confine_account(
	const char *user, struct confine_account *account, char *error, size_t error_len);

/* Before EAL starts, while the process has one thread. */
int confine_before_threads(void);

/* Locks what memory there is now, lets go of uid, gid and groups in every thread. */
int confine_drop(const struct confine_account *account);

/* Every thread runs this once after confine_drop(): clears its capabilities where the account is
 * to be dropped to. */
int confine_thread(const struct confine_account *account);

/* Reads every task's status. Returns 0, or -EPERM with the first task that is not confined. */
int confine_check(const struct confine_account *account, char *error, size_t error_len);

/* System calls from here on (confine_seccomp.c): an allow list for all threads. connects: a port
 * needs to; else there is no way to the sockets of control and chappe-store, whose account this
 * is. */
int confine_seccomp(bool connects);

#endif
