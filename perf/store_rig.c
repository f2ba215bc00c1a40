#include "store_rig.h"

#include "bench.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* frame_id = number * ODD, its upper half into its lower one: all different, and their bits look
 * random. */
static const uint64_t ODD = UINT64_C(0x9e3779b97f4a7c15),
		      ODD_INVERSE = UINT64_C(0xf1de83e19937733d);

enum { IN_FLIGHT = 4096 };

void store_rig_make(struct store_rig *rig, uint32_t devices)
{
	const char *parent = getenv("TMPDIR");
	char path[STORE_RIG_PATH_BYTES + 32];

	*rig = (struct store_rig){ .next = 1 };
	snprintf(rig->dir, sizeof rig->dir, "%.60s/chappe-bench.XXXXXX",
		parent ? parent : "/var/tmp");
	if (mkdtemp(rig->dir) == NULL)
		bench_fail("%s: %s", rig->dir, strerror(errno));
	snprintf(path, sizeof path, "%s/store.ini", rig->dir);
	FILE *file = fopen(path, "we");
	if (file == NULL ||
		fprintf(file,
			"[store]\ndir = %s/store\n[dataplane]\nrun_dir = %s\n"
			"[process]\nuser = none\n",
			rig->dir, rig->dir) < 0 ||
		fclose(file) != 0)
		bench_fail("%s: %s", path, strerror(errno));
	const int result = store_end_open(&rig->end, rig->dir, STORE_RIG_WORKERS, devices);
	if (result < 0)
		bench_fail("%s: %s", rig->dir, strerror(-result));
}

double store_rig_start(struct store_rig *rig)
{
	char program[4096], configuration[STORE_RIG_PATH_BYTES + 32];
	char *arguments[] = { program, "--config", configuration, NULL };

	child_program("store/chappe-store", program, sizeof program);
	snprintf(configuration, sizeof configuration, "%s/store.ini", rig->dir);
	const double start = bench_now_s();
	child_start(&rig->process, "chappe-store", arguments);
	return child_wait(&rig->process, "ready", STORE_RIG_TIMEOUT_S) - start;
}

void store_rig_attach(struct store_rig *rig)
{
	const int result = store_end_accept(&rig->end, STORE_RIG_TIMEOUT_S * 1000);

	if (result < 0)
		bench_fail("chappe-store does not connect: %s", strerror(-result));
	store_end_ring(&rig->end);
}

void store_rig_stop(struct store_rig *rig)
{
	child_stop(&rig->process);
	(void)store_end_renew(&rig->end);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

void store_rig_remove(struct store_rig *rig)
{
	child_stop(&rig->process);
	store_end_close(&rig->end);
	nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void store_rig_depot(const struct store_rig *rig, char *path, size_t len)
{
	snprintf(path, len, "%s/store", rig->dir);
}

void store_rig_route(uint32_t route, uint8_t bytes[WIRE_ROUTE_BYTES])
{
	const uint64_t words[2] = { (route + UINT64_C(1)) * ODD, route };

	memcpy(bytes, words, sizeof words);
}

bool store_rig_put(struct store_rig *rig, uint32_t route, uint32_t device)
{
	static uint8_t frame[STORE_RIG_SMALL];
	struct wire_inner *inner = (struct wire_inner *)frame;

	inner->kind = WIRE_STORED;
	const uint64_t id = rig->next * ODD;
	inner->frame_id = put64(id ^ id >> 32);
	store_rig_route(route, inner->route);
	if (!store_end_put(&rig->end, rig->worker++ % STORE_RIG_WORKERS, SHARE_STORED, device, 1,
		    frame, sizeof frame))
		return false;
	rig->next++;
	return true;
}

uint64_t store_rig_number(const struct share_down *record)
{
	const uint64_t id = get64(((const struct wire_inner *)record->frame)->frame_id);

	return (id ^ id >> 32) * ODD_INVERSE;
}

struct admin_status store_rig_status(const struct store_rig *rig)
{
	const struct admin_request request = { .version = ADMIN_VERSION, .op = ADMIN_STATUS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct admin_reply reply;
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%.80s/store-admin.sock", rig->dir);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
		send(fd, &request, sizeof request, MSG_NOSIGNAL) != sizeof request ||
		recv(fd, &reply, sizeof reply, 0) != sizeof reply || reply.result != 0)
		bench_fail("%s: %s", address.sun_path, strerror(errno));
	close(fd);
	return reply.status;
}

void store_rig_fill(struct store_rig *rig, uint32_t frames, uint32_t routes, uint32_t devices)
{
	const double latest = bench_now_s() + STORE_RIG_TIMEOUT_S;
	struct share_down record;
	uint32_t put = 0, accepted = 0;

	while (accepted < frames) {
		while (put < frames && put - accepted < IN_FLIGHT &&
			store_rig_put(rig, put % routes, put % routes % devices))
			put++;
		store_end_ring(&rig->end);
		store_end_wait(&rig->end, 1);
		while (store_end_take(&rig->end, &record))
			accepted += record.kind == SHARE_SEND;
		if (bench_now_s() > latest)
			bench_fail("only %u of %u frames were accepted", accepted, frames);
	}
}
