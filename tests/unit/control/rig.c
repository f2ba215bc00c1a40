#include "rig_tables.h"
#include "src/key.h"

#include <errno.h>
#include <event2/event.h>
#include <glob.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct rig *rig_create(void)
{
	struct rig *rig = calloc(1, sizeof *rig);
	char error[STORE_ERROR_BYTES], path[128];

	if (!rig)
		abort();
	assert_true(sodium_init() >= 0);
	strcpy(rig->dir, "/tmp/chappe-test-control-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	config_defaults(&rig->config);
	strcpy(rig->config.state_dir, rig->dir);
	strcpy(rig->config.run_dir, rig->dir);
	rig->config.threads = 2;
	rig->config.limits.routes_max = 4;
	snprintf(path, sizeof path, "%s/" STORE_KEY_FILE, rig->dir);
	assert_int_equal(key_pair_create(path, &rig->key), 0);
	assert_int_equal(store_create(rig->dir, error), 0);
	rig->table = rig->punt = rig->table_listener = rig->punt_listener = -1;
	rig->boot = 1;
	rig->devices_max = RIG_DEVICES;
	rig->owners = 2;
	rig->lease_left = UINT32_MAX;
	return rig;
}

void rig_destroy(struct rig *rig)
{
	char pattern[80];
	glob_t found;

	rig_stop(rig);
	rig_disconnect(rig);
	snprintf(pattern, sizeof pattern, "%s/*", rig->dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	rmdir(rig->dir);
	free(rig);
}

void rig_start(struct rig *rig)
{
	char error[STORE_ERROR_BYTES];
	struct store *store;

	rig->base = event_base_new();
	event_base_priority_init(rig->base, 3);
	assert_int_equal(store_open(rig->dir, &store, error), 0);
	assert_int_equal(
		control_create(&rig->control, rig->base, &rig->config, &rig->key, store), 0);
}

void rig_stop(struct rig *rig)
{
	if (!rig->base)
		return;
	control_destroy(rig->control);
	event_base_free(rig->base);
	rig->control = NULL;
	rig->base = NULL;
}

static int listen_on(const struct rig *rig, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", rig->dir, name);
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void rig_disconnect(struct rig *rig)
{
	close_fd(&rig->table);
	close_fd(&rig->punt);
	close_fd(&rig->table_listener);
	close_fd(&rig->punt_listener);
	rig->syncing = false;
}

void rig_new_boot(struct rig *rig)
{
	rig->boot++;
	memset(rig->devices, 0, sizeof rig->devices);
	memset(rig->routes, 0, sizeof rig->routes);
	memset(rig->sessions, 0, sizeof rig->sessions);
}

void rig_settle(struct rig *rig)
{
	/* Idle long enough for the threads and for a new connection's timer: 8 times 2 ms, begun
	 * anew whenever something happened. */
	for (int idle = 0; idle < 8; idle++) {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		if (rig_serve(rig) || responder_depth(rig->control->responder))
			idle = 0;
		poll(NULL, 0, 2);
	}
}

void rig_listen(struct rig *rig)
{
	rig->table_listener = listen_on(rig, "table.sock");
	rig->punt_listener = listen_on(rig, "punt.sock");
}

void rig_connect(struct rig *rig)
{
	uint32_t syncs = rig->syncs;

	rig_listen(rig);
	for (int i = 0; i < 200 && (rig->syncs == syncs || rig->punt < 0); i++)
		rig_settle(rig);
	rig_settle(rig);
	assert_int_equal(rig->syncs, syncs + 1);
	assert_int_equal(rig->control->sync.phase, SYNC_DONE);
}

int rig_setup(void **state)
{
	struct rig *rig = rig_create();

	rig_start(rig);
	rig_connect(rig);
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	rig_destroy(*state);
	return 0;
}

bool rig_files_hold(const struct rig *rig, const void *bytes, size_t len)
{
	char pattern[80];
	glob_t found;
	bool hit = false;

	snprintf(pattern, sizeof pattern, "%s/*", rig->dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "rb");
		static uint8_t content[32 << 20];
		if (!file)
			continue;
		hit |= memmem(content, fread(content, 1, sizeof content, file), bytes, len) != NULL;
		fclose(file);
	}
	globfree(&found);
	return hit;
}

uint64_t rig_counter(const struct rig *rig, enum control_counter counter)
{
	return rig->control->counters[counter];
}
