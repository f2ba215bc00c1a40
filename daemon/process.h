/* The process around control, and around chappe-store: its account, its locked memory, its
 * confinement. */
#ifndef CHAPPE_DAEMON_PROCESS_H
#define CHAPPE_DAEMON_PROCESS_H

#include <sys/types.h>

enum { PROCESS_ERROR_BYTES = 1024 };

struct process_account {
	uid_t uid;
	gid_t gid;
	char name[64];
	int keep; /* nonzero: user = none, nothing drops */
};

/* Looks the user up; "none" keeps the account the process was started under. */
int process_account(
	const char *user, struct process_account *account, char error[PROCESS_ERROR_BYTES]);

/* No core dumps, and every page that is touched from now on locked; while privileges last. Where
 * memory can't be locked, says so on the log and goes on. */
void process_lock(void);

/* For good: groups, user, capabilities, no new ones; no way to start programs, trace others or
 * reach a network. Threads that start later are confined likewise. */
int process_drop(const struct process_account *account, char error[PROCESS_ERROR_BYTES]);

#endif
