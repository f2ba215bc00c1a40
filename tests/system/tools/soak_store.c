#include "soak_store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATTACH_S = 30 };

void soak_path(const struct soak_store *store, const char *name, char path[SOAK_PATH_BYTES])
{
	snprintf(path, SOAK_PATH_BYTES, "%s/%s", store->directory, name);
}

void soak_configure(const struct soak_store *store)
{
	char path[SOAK_PATH_BYTES];

	soak_path(store, "store.ini", path);
	FILE *file = fopen(path, "w");
	if (!file ||
		fprintf(file,
			"[store]\ndir = %s/store\n[dataplane]\nrun_dir = %s\n"
			"[process]\nuser = none\n",
			store->directory, store->directory) < 0 ||
		fclose(file) != 0)
		model_fail("%s: %s", path, strerror(errno));
}

void soak_start(struct soak_store *store)
{
	char configuration[SOAK_PATH_BYTES], log[SOAK_PATH_BYTES];

	soak_path(store, "store.ini", configuration);
	soak_path(store, "store.log", log);
	store->pid = fork();
	if (store->pid < 0)
		model_fail("fork: %s", strerror(errno));
	if (store->pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!freopen(log, "a", stderr) || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	if (store->preload)
		setenv("LD_PRELOAD", store->preload, 1);
	execl(store->program, "chappe-store", "--config", configuration, (char *)NULL);
	_exit(127);
}

void soak_attach(struct soak_store *store, struct play *play)
{
	int status;

	for (int s = 0; s < ATTACH_S; s++) {
		if (play_attach(play, 1000))
			return;
		if (waitpid(store->pid, &status, WNOHANG) == store->pid)
			model_fail("start: the store ended with status %x", (unsigned)status);
	}
	model_fail("start: the store did not connect within %d s", ATTACH_S);
}

void soak_kill(struct soak_store *store)
{
	int status;

	kill(store->pid, SIGKILL);
	if (waitpid(store->pid, &status, 0) != store->pid)
		model_fail("waitpid: %s", strerror(errno));
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		model_fail("the store ended by itself, status %x", (unsigned)status);
}
