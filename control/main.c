#include "api/api.h"
#include "config.h"
#include "daemon/log.h"
#include "daemon/process.h"
#include "daemon/start.h"
#include "src/key.h"
#include "state.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
	/* table link before punt link and responder, both before the API */
	PRIORITIES = 3,
};

static const char about[] =
	"Control plane of a Chappe relay: enrols devices, answers their handshakes and keeps the\n"
	"dataplane's tables. Administer it with chappectl; before its first start: chappectl init.";

static int load_key(const struct config *config, struct noise_keypair *key)
{
	char path[CONFIG_PATH_BYTES + 16];
	int result;

	snprintf(path, sizeof path, "%s/" STORE_KEY_FILE, config->state_dir);
	result = key_pair_load(path, key);
	if (result == -ENOENT)
		log_error("%s: there is no relay key. Of a relay that has been in use it is in a "
			  "backup (chappectl restore), or its disk is not mounted: with a new key "
			  "every device needs a new invitation. A new relay begins with "
			  "chappectl init --state %s",
			path, config->state_dir);
	else if (result < 0)
		log_error("%s: %s", path, key_error_text(result));
	return result;
}

/* Gives the store's files to the account, so that it can use them once privileges are gone. The
 * relay key stays what it was. */
static int give_store(const char *state_dir, const struct process_account *account,
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

/* Everything that needs privileges, then drops them. */
static int prepare(const struct config *config, const struct daemon_arguments *arguments,
	struct noise_keypair *key, int *listener, bool *pid_written, uid_t *dropped_to)
{
	const char *group = strcmp(config->api_group, "none") == 0 ? NULL : config->api_group;
	struct process_account account;
	char error[PROCESS_ERROR_BYTES];
	int result = process_account(config->user, &account, error);

	if (result == 0) {
		process_lock();
		result = load_key(config, key);
		if (result < 0)
			return result;
	}
	if (result == 0)
		result = give_store(config->state_dir, &account, error);
	if (result == 0) {
		*listener = api_listen(config->api_socket, group, error);
		result = *listener < 0 ? *listener : 0;
	}
	/* Says who we are, once nobody else can be: the API's socket is ours. */
	if (result == 0)
		result = process_pid_file(arguments->pid_file, pid_written, error);
	const struct landlock_place places[] = {
		{ config->state_dir, LANDLOCK_OWNS },
		/* Who asks is looked up by name, for the audit: by modules, from files. */
		{ "/etc", LANDLOCK_READS },
		{ "/lib", LANDLOCK_READS },
		{ "/usr/lib", LANDLOCK_READS },
		{ "/dev/urandom", LANDLOCK_READS },
		{ config->api_socket, LANDLOCK_REMOVES },
		{ arguments->pid_file, LANDLOCK_REMOVES },
		{ NULL, LANDLOCK_READS },
	};
	if (result == 0)
		result = process_drop(&account, places, error);
	/* Without privileges to drop, whoever administers has the same account. */
	if (result == 0 && !account.keep && account.uid != 0)
		*dropped_to = account.uid;
	if (result < 0)
		log_error("%s", error);
	return result;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_info("signal %d: ending", (int)number);
	event_base_loopbreak(arg);
}

static int run(struct event_base *base)
{
	struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
	struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
	int result = -ENOMEM;

	if (term && interrupt && event_add(term, NULL) == 0 && event_add(interrupt, NULL) == 0) {
		log_info("ready");
		sd_notify(0, "READY=1");
		result = event_base_dispatch(base) < 0 ? -EIO : 0;
		sd_notify(0, "STOPPING=1");
	}
	if (term)
		event_free(term);
	if (interrupt)
		event_free(interrupt);
	return result;
}

static int serve(const struct config *config, const struct noise_keypair *key, int listener,
	uid_t dropped_to)
{
	char error[STORE_ERROR_BYTES] = "no memory";
	struct control *control = NULL;
	struct api *api = NULL;
	struct store *store = NULL;
	struct event_base *base = event_base_new();
	int result = -ENOMEM;

	if (base && event_base_priority_init(base, PRIORITIES) == 0)
		result = store_open(config->state_dir, &store, error);
	if (result == 0) {
		result = control_create(&control, base, config, key, store);
		snprintf(error, sizeof error, "can't start: %s", strerror(-result));
	}
	if (result == 0) {
		api = api_start(control, listener, dropped_to, error);
		result = api ? 0 : -EIO;
	} else {
		close(listener);
	}
	if (result == 0)
		result = run(base);
	else
		log_error("%s", error);
	api_stop(api);
	control_destroy(control);
	if (base)
		event_base_free(base);
	return result;
}

static int configure(const char *path, void *config, char error[DAEMON_ERROR_BYTES])
{
	config_defaults(config);
	return config_load(path, config, error);
}

static const struct daemon_program program = {
	.name = "chappe-control",
	.about = about,
	.configure = configure,
};

int main(int argc, char **argv)
{
	struct daemon_arguments arguments;
	struct noise_keypair key;
	struct config config;
	bool pid_written = false;
	int result, listener = -1;
	uid_t dropped_to = API_REFUSES_NOBODY;

	_Static_assert((int)CONFIG_ERROR_BYTES == (int)DAEMON_ERROR_BYTES, "one text");
	const int status = daemon_start(&program, argc, argv, &arguments, &config);
	if (status != DAEMON_GOES_ON)
		return status;
	if (arguments.check)
		return process_check(arguments.config, config.user);
	result = prepare(&config, &arguments, &key, &listener, &pid_written, &dropped_to);
	if (result == 0)
		result = serve(&config, &key, listener, dropped_to);
	sodium_memzero(&key, sizeof key);
	/* Fails, harmlessly, where the account may not write to their directory. */
	if (listener >= 0)
		unlink(config.api_socket);
	if (pid_written)
		unlink(arguments.pid_file);
	return result == 0 ? 0 : 1;
}
