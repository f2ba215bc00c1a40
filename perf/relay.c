#include "relay.h"

#include "bench.h"
#include "control/store.h"
#include "dataplane/tables.h"
#include "fill.h"
#include "src/key.h"
#include "src/noise.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RELAY_FILE_BYTES = RELAY_PATH_BYTES + 32,
	RELAY_PROGRAM_BYTES = 4096,
	RELAY_OTHER_MIB = 256, /* buffers, EAL */
	RELAY_LEAST_MIB = 32,
};

static void write_file(const struct relay *relay, const char *name, const char *text)
{
	char path[RELAY_FILE_BYTES];

	snprintf(path, sizeof path, "%s/%s", relay->dir, name);
	FILE *file = fopen(path, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		bench_fail("%s: %s", path, strerror(errno));
}

static void write_configuration(const struct relay *relay)
{
	char text[1024];

	snprintf(text, sizeof text,
		"[relay]\naddress = 198.18.0.2/24\n[tables]\ndevices = %u\n"
		"routes_per_device = %u\n[worker]\nidle_sleep_us = 100\n"
		"[process]\nrun_dir = %s\nuser = none\n",
		relay->devices, relay->routes, relay->dir);
	write_file(relay, "dataplane.ini", text);
	snprintf(text, sizeof text,
		"[store]\nstate_dir = %s\n[dataplane]\nrun_dir = %s\n"
		"[api]\nsocket = %s/control.sock\ngroup = none\n"
		"[relay]\nname = 198.18.0.2:4460\n[process]\nuser = none\nthreads = 1\n",
		relay->state, relay->dir, relay->dir);
	write_file(relay, "control.ini", text);
}

static void make_state(const struct relay *relay)
{
	char path[RELAY_FILE_BYTES], error[STORE_ERROR_BYTES];
	struct noise_keypair key;

	snprintf(path, sizeof path, "%s/%s", relay->state, STORE_KEY_FILE);
	noise_generate(&key);
	int result = key_save(path, key.secret);
	if (result < 0)
		bench_fail("%s: %s", path, strerror(-result));
	if (store_create(relay->state, error) < 0)
		bench_fail("%s", error);
}

static void make(struct relay *relay, uint32_t devices, uint32_t routes, const char *state)
{
	const char *parent = getenv("TMPDIR");

	*relay = (struct relay){ .devices = devices, .routes = routes };
	/* Sockets lie in it, and their paths have little room. */
	if (snprintf(relay->dir, sizeof relay->dir, "%s/chappe-bench.XXXXXX",
		    parent ? parent : "/tmp") >= (int)sizeof relay->dir)
		bench_fail("TMPDIR=%s: too long, try another", parent);
	if (mkdtemp(relay->dir) == NULL)
		bench_fail("%s: %s", relay->dir, strerror(errno));
	if (state == NULL)
		state = relay->dir;
	if (strlen(state) >= sizeof relay->state)
		bench_fail("%s: too long", state);
	strcpy(relay->state, state);
	write_configuration(relay);
}

void relay_make(struct relay *relay, uint32_t devices, uint32_t routes)
{
	make(relay, devices, routes, NULL);
	make_state(relay);
}

void relay_make_filled(struct relay *relay, uint32_t devices, uint32_t routes, const char *kept)
{
	char path[RELAY_FILE_BYTES];

	make(relay, devices, routes, kept);
	if (kept != NULL && mkdir(kept, 0700) < 0 && errno != EEXIST)
		bench_fail("%s: %s", kept, strerror(errno));
	snprintf(path, sizeof path, "%s/%s", relay->state, STORE_FILE);
	if (access(path, F_OK) == 0)
		return;
	make_state(relay);
	fprintf(stderr, "     filling a store with %u devices and %u routes each\n", devices,
		routes);
	fill_store(relay->state, devices, routes);
}

static uint32_t need_mib(const struct relay *relay)
{
	const struct tables_limits limits = {
		.devices_max = relay->devices,
		.routes_per_device = relay->routes,
		.owners = 1,
	};

	return (uint32_t)(tables_memory_bytes(&limits) >> 20) + RELAY_OTHER_MIB;
}

uint64_t relay_page_bytes(const struct relay *relay)
{
	return relay->huge ? UINT64_C(2) << 20 : (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "0@(0-1),1@(0-1)": both lcores on any of the CPUs. */
static void lcore_map(char *map, size_t len)
{
	char cpus[128] = "", line[256];
	FILE *file = fopen("/proc/self/status", "re");

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "Cpus_allowed_list: %100s", cpus) == 1)
			break;
	if (file != NULL)
		fclose(file);
	snprintf(map, len, "0@(%s),1@(%s)", cpus, cpus);
}

static void start_dataplane(struct relay *relay, uint32_t memory_mib, bool huge)
{
	static char null_port[] = "net_null0,no-rx=1";
	char program[RELAY_PROGRAM_BYTES], file[RELAY_FILE_BYTES], memory[16], lcores[256];
	char port[RELAY_FILE_BYTES + 128];
	char *arguments[] = { program, "--config", file, "--", "--no-pci", "--log-level=*:error",
		"--iova-mode=va", "--vdev", port, "--lcores", lcores, "-m", memory,
		huge ? NULL : "--no-huge", NULL };

	child_program("dataplane/chappe-dataplane", program, sizeof program);
	snprintf(file, sizeof file, "%s/dataplane.ini", relay->dir);
	snprintf(memory, sizeof memory, "%u", memory_mib);
	snprintf(port, sizeof port, "%s", relay->vdev ? relay->vdev : null_port);
	lcore_map(lcores, sizeof lcores);
	relay->huge = huge;
	relay->memory_mib = memory_mib;
	child_start(&relay->dataplane, "chappe-dataplane", arguments);
}

void relay_start_dataplane(struct relay *relay)
{
	const uint32_t need = need_mib(relay);

	start_dataplane(relay, need, bench_free_huge_mib() >= need);
	child_wait(&relay->dataplane, "ready", RELAY_TIMEOUT_S);
}

void relay_start_dataplane_exactly(struct relay *relay)
{
	char line[CHILD_LINE_BYTES];
	const char *vdev = relay->vdev;
	uint32_t need = 0;

	/* Too little for many devices, but enough to say what is needed. Not on a memif: DPDK
	 * panics where a client joins its server and is gone before it was greeted. */
	relay->vdev = NULL;
	start_dataplane(relay, RELAY_LEAST_MIB, false);
	child_wait_line(&relay->dataplane, "info memory:", RELAY_TIMEOUT_S, line);
	child_stop(&relay->dataplane);
	relay->vdev = vdev;
	const char *said = strstr(line, "workers need ");
	if (said == NULL || sscanf(said, "workers need %u MiB", &need) != 1)
		bench_fail("it does not say what it needs: %s", line);
	start_dataplane(relay, need, bench_free_huge_mib() >= need);
	child_wait(&relay->dataplane, "ready", RELAY_TIMEOUT_S);
}

void relay_start_control(struct relay *relay)
{
	char program[RELAY_PROGRAM_BYTES], file[RELAY_FILE_BYTES];
	char *arguments[] = { program, "--config", file, NULL };

	child_program("control/chappe-control", program, sizeof program);
	snprintf(file, sizeof file, "%s/control.ini", relay->dir);
	child_start(&relay->control, "chappe-control", arguments);
	child_wait(&relay->control, "ready", RELAY_TIMEOUT_S);
}

double relay_in_step(struct relay *relay)
{
	char text[96];

	snprintf(text, sizeof text, "dataplane in step: %u devices, %lu routes", relay->devices,
		(uint64_t)relay->devices * relay->routes);
	return child_wait(&relay->control, text, RELAY_TIMEOUT_S);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

void relay_remove(struct relay *relay)
{
	child_stop(&relay->control);
	child_stop(&relay->dataplane);
	nftw(relay->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
