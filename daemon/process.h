/* The process around control, and around chappe-store: its account, its locked memory, its
 * confinement. */
#ifndef CHAPPE_DAEMON_PROCESS_H
#define CHAPPE_DAEMON_PROCESS_H

#include "daemon/landlock.h"
#include "daemon/start.h"

#include <stdbool.h>
#include <sys/types.h>

enum { PROCESS_ERROR_BYTES = DAEMON_ERROR_BYTES };

struct process_account {
	uid_t uid;
	gid_t gid;
	char name[64];
	int keep; /* nonzero: user = none, nothing drops */
};

/* Looks the user up, who must not be root; "none" keeps the account the process was started under.
 */
int process_account(
	const char *user, struct process_account *account, char error[PROCESS_ERROR_BYTES]);

/* What --check has still to say once the file has been read: whether its user will do. Returns the
 * exit status. */
int process_check(const char *config_path, const char *user);

/* No core dumps, and every page that is touched from now on locked; while privileges last. Where
 * memory can't be locked, says so on the log and goes on. */
void process_lock(void);

/* Writes the process id to a file, where there is one to be written (path is not NULL), which the
 * caller removes at the end where it was written. Returns 0 or -errno. */
int process_pid_file(const char *path, bool *written, char error[PROCESS_ERROR_BYTES]);

/* For good: groups, user, capabilities, no new ones; no way to start programs, trace others or
 * reach a network, and no file but those in places (ended by a path of NULL), besides what any
 * process needs; where the kernel has no Landlock, says so on the log and leaves files to the
 * account's rights. Threads that start later are confined likewise. */
int process_drop(const struct process_account *account, const struct landlock_place *places,
	char error[PROCESS_ERROR_BYTES]);

#endif
