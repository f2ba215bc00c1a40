/* chappe-store: the process. Takes what needs privileges, drops them, opens the store, serves. */
#include "config.h"
#include "daemon/log.h"
#include "daemon/process.h"
#include "daemon/start.h"
#include "directory.h"
#include "loop.h"

#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static struct service service;
static struct admin admin;
static struct loop loop;

/* Signals are taken by the loop; blocked before there are other threads. */
static int block_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	return sigprocmask(SIG_BLOCK, &ending, NULL) < 0 ? -errno : 0;
}

/* Everything that needs privileges, then drops them. */
static int prepare(const struct config *config, const struct daemon_arguments *arguments,
	bool *pid_written, char error[SERVICE_ERROR_BYTES])
{
	struct process_account account;
	int result = process_account(config->user, &account, error);

	if (result < 0)
		return result;
	if (account.keep) {
		account.uid = geteuid();
		account.gid = getegid();
	}
	process_lock();
	result = directory_give(config->dir, account.uid, account.gid);
	if (result < 0) {
		snprintf(error, SERVICE_ERROR_BYTES, "%.500s: %s", config->dir, strerror(-result));
		return result;
	}
	result = admin_listen(&admin, config->run_dir, account.uid, account.gid, error);
	if (result == 0)
		result = process_pid_file(arguments->pid_file, pid_written, error);
	const struct landlock_place places[] = {
		{ config->dir, LANDLOCK_OWNS },
		{ admin.path, LANDLOCK_REMOVES },
		{ arguments->pid_file, LANDLOCK_REMOVES },
		{ NULL, LANDLOCK_READS },
	};
	return result == 0 ? process_drop(&account, places, error) : result;
}

/* What reading the index needed for a while. */
static void give_back_memory(void)
{
	char purge[32];

	snprintf(purge, sizeof purge, "arena.%d.purge", MALLCTL_ARENAS_ALL);
	(void)mallctl(purge, NULL, NULL, NULL, 0);
}

/* RocksDB's threads begin here: they inherit what was dropped. */
static int serve(const struct config *config, char error[SERVICE_ERROR_BYTES])
{
	int result = service_open(&service, config->dir, config->run_dir, error);

	if (result == 0) {
		give_back_memory();
		admin.service = &service;
		result = loop_open(&loop, &service, &admin);
		if (result == 0) {
			log_info("ready");
			sd_notify(0, "READY=1");
			result = loop_run(&loop);
			sd_notify(0, "STOPPING=1");
		}
		if (result == -EAGAIN)
			snprintf(error, SERVICE_ERROR_BYTES,
				"the disk writes again: ending, to be started anew");
		else if (result < 0)
			snprintf(error, SERVICE_ERROR_BYTES, "%s", strerror(-result));
		loop_close(&loop);
	}
	service_close(&service);
	return result;
}

static int configure(const char *path, void *config, char error[DAEMON_ERROR_BYTES])
{
	config_defaults(config);
	return config_load(path, config, error);
}

static const struct daemon_program program = {
	.name = "chappe-store",
	.about = "Keeps messages of a Chappe relay for devices that are not there, until they have "
		 "them.",
	.configure = configure,
};

int main(int argc, char **argv)
{
	struct daemon_arguments arguments;
	struct config config;
	char error[SERVICE_ERROR_BYTES] = "";
	bool pid_written = false;

	_Static_assert((int)SERVICE_ERROR_BYTES == (int)DAEMON_ERROR_BYTES &&
			       (int)SERVICE_ERROR_BYTES == (int)CONFIG_ERROR_BYTES,
		"one text");
	const int status = daemon_start(&program, argc, argv, &arguments, &config);
	if (status != DAEMON_GOES_ON)
		return status;
	if (arguments.check)
		return process_check(arguments.config, config.user);
	admin.listener = -1;
	int result = block_signals();
	if (result == 0)
		result = prepare(&config, &arguments, &pid_written, error);
	if (result == 0)
		result = serve(&config, error);
	if (result < 0)
		log_error("%s", error);
	admin_close(&admin);
	if (pid_written)
		(void)unlink(arguments.pid_file);
	return result == 0 ? 0 : result == -EAGAIN ? EX_TEMPFAIL : 1;
}
