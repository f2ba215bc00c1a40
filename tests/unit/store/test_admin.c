/* store-admin.sock: every operation, over a socket, and peers that make no sense. */
#include "files.h"
#include "relay.h"

#include "store/admin.h"
#include "store/backup.h"
#include "store/clock.h"
#include "store/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SMALL = 480, DEVICES = 64 };

static struct service service;
static struct admin admin;
static int client, served;
static uint64_t now_us;
static char directory[96];

static void open_all(void)
{
	char error[SERVICE_ERROR_BYTES] = "";
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	now_us = clock_us();
	snprintf(directory, sizeof directory, "%s/store", files_directory);
	if (service_open(&service, directory, files_directory, error) != 0 ||
		admin_listen(&admin, files_directory, geteuid(), getegid(), error) != 0)
		fail_msg("%s", error);
	admin.service = &service;
	strcpy(address.sun_path, admin.path);
	client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
	served = admin_accept(&admin);
	assert_true(served >= 0);
}

static void close_all(void)
{
	close(client);
	admin_close(&admin);
	service_close(&service);
}

static int setup(void **state)
{
	if (sodium_init() < 0 || files_make(state) != 0)
		return -1;
	open_all();
	return 0;
}

static int teardown(void **state)
{
	close_all();
	return files_remove(state);
}

static struct admin_reply ask(const struct admin_request *request)
{
	struct admin_reply reply;

	assert_int_equal(send(client, request, sizeof *request, 0), sizeof *request);
	assert_true(admin_serve(&admin, served));
	while (recv(client, &reply, sizeof reply, 0) != sizeof reply) {
		now_us += TICK_US;
		service_turn(&service, now_us);
		admin_turn(&admin);
		usleep(100);
	}
	assert_int_equal(reply.op, request->op);
	return reply;
}

static struct admin_reply ask_op(enum admin_op op)
{
	const struct admin_request request = { .version = ADMIN_VERSION, .op = op };

	return ask(&request);
}

static struct admin_status status(void)
{
	const struct admin_reply reply = ask_op(ADMIN_STATUS);

	assert_int_equal(reply.result, 0);
	return reply.status;
}

/* Frames for a route, durable. */
static void put(uint64_t route, uint64_t first, uint64_t count)
{
	uint8_t cell[SMALL];

	assert_int_equal(mailboxes_set_devices(depot_mailboxes(service.depot), DEVICES), 0);
	for (uint64_t id = first; id < first + count; id++) {
		relay_cell(cell, sizeof cell, WIRE_STORED, route, id);
		assert_int_equal(
			depot_take(service.depot, 1, (const struct wire_inner *)cell, sizeof cell),
			DEPOT_TAKEN);
	}
	assert_int_equal(depot_commit(service.depot), 0);
}

static void status_tells_what_waits(void **state)
{
	(void)state;
	put(7, 1, 10);
	const struct admin_status now = status();
	assert_int_equal(now.frames, 10);
	assert_int_equal(now.mailboxes, 1);
	assert_int_equal(now.bytes, 10 * WIRE_SMALL_BYTES);
	assert_int_equal(now.epochs, 1);
	assert_true(now.disk_free_bytes > 0);
	assert_true(now.disk_used_bytes > 0);
	assert_int_equal(now.linked, 0);
	assert_int_equal(now.failed, 0);
}

static void limits_are_kept_over_a_restart(void **state)
{
	struct admin_request request = { .version = ADMIN_VERSION, .op = ADMIN_LIMITS_SET };
	struct admin_reply reply = ask_op(ADMIN_LIMITS_GET);

	(void)state;
	assert_int_equal(reply.limits.ttl_minutes, DEPOT_TTL_MINUTES);
	request.limits = reply.limits;
	request.limits.route_frames = 5;
	request.limits.total_bytes = UINT64_C(1) << 40;
	assert_int_equal(ask(&request).result, 0);
	request.limits.ttl_minutes = 0;
	reply = ask(&request);
	assert_int_equal(reply.result, -EINVAL);
	assert_non_null(strstr(reply.text, "ttl_minutes is 0"));
	for (int round = 0; round < 2; round++) {
		reply = ask_op(ADMIN_LIMITS_GET);
		assert_int_equal(reply.limits.route_frames, 5);
		assert_true(reply.limits.total_bytes == UINT64_C(1) << 40);
		assert_int_equal(reply.limits.ttl_minutes, DEPOT_TTL_MINUTES);
		close_all();
		open_all();
	}
	put(7, 1, 5);
	uint8_t cell[SMALL];
	relay_cell(cell, sizeof cell, WIRE_STORED, 7, 6);
	assert_int_equal(depot_take(service.depot, 1, (const struct wire_inner *)cell, sizeof cell),
		DEPOT_OVER_ROUTE);
}

static void route_is_told_of_and_erased(void **state)
{
	struct admin_request request = { .version = ADMIN_VERSION, .op = ADMIN_ROUTE_QUERY };
	const uint64_t route = 7;

	(void)state;
	put(6, 1, 3);
	put(7, 1, 20);
	memcpy(request.route.route, &route, sizeof route);
	struct admin_reply reply = ask(&request);
	assert_int_equal(reply.waiting.frames, 20);
	assert_int_equal(reply.waiting.oldest_minute / 2, clock_minute() / 2);
	request.op = ADMIN_ROUTE_ERASE;
	reply = ask(&request);
	assert_int_equal(reply.result, 0);
	assert_int_equal(reply.waiting.frames, 20);
	reply = ask(&request);
	assert_int_equal(reply.result, 0);
	assert_int_equal(reply.waiting.frames, 0);
	close_all();
	open_all();
	assert_int_equal(status().frames, 3);
}

static void damage_one(const char *path, void *arg)
{
	int *left = arg;

	if ((*left)-- == 1)
		files_damage(path, 1500, 1);
}

static struct admin_status until_verified(void)
{
	struct admin_status now;

	do {
		now_us += TICK_US;
		service_turn(&service, now_us);
		now = status();
	} while (now.verify == ADMIN_JOB_RUNNING);
	return now;
}

static void verify_finds_what_is_damaged(void **state)
{
	int left = 1;

	(void)state;
	for (uint64_t route = 1; route <= 30; route++)
		put(route, 1, 10);
	assert_int_equal(ask_op(ADMIN_VERIFY).result, 0);
	assert_int_equal(ask_op(ADMIN_VERIFY).result, -EBUSY);
	struct admin_status now = until_verified();
	assert_int_equal(now.verified, 300);
	assert_int_equal(now.verify_bad, 0);
	assert_int_equal(now.verify, ADMIN_JOB_DONE);
	assert_int_equal(depot_compact(service.depot), 0);
	close_all();
	files_each(".cells", damage_one, &left);
	open_all();
	assert_int_equal(ask_op(ADMIN_VERIFY).result, 0);
	now = until_verified();
	assert_int_equal(now.verified, 300);
	assert_int_equal(now.verify_bad, 1);
}

static void compaction_runs_beside_the_rest(void **state)
{
	(void)state;
	put(7, 1, 100);
	assert_int_equal(ask_op(ADMIN_COMPACT).result, 0);
	while (status().compact == ADMIN_JOB_RUNNING) {
		now_us += TICK_US;
		service_turn(&service, now_us);
		usleep(1000);
	}
	assert_int_equal(status().compact, ADMIN_JOB_DONE);
}

static void count_one(const char *path, void *arg)
{
	(void)path;
	++*(int *)arg;
}

static void backup_is_a_store_of_its_own(void **state)
{
	struct depot_limits limits;
	struct depot_report report;
	struct depot *copy;
	struct stat seen;
	struct record_frame frame;
	char error[DEPOT_ERROR_BYTES], path[ADMIN_TEXT_BYTES];
	int keys = 0;

	(void)state;
	put(7, 1, 100);
	for (int round = 0; round < 2; round++) { /* one over another */
		const struct admin_reply reply = ask_op(ADMIN_BACKUP);
		if (reply.result != 0)
			fail_msg("%s", reply.text);
		memcpy(path, reply.path.path, sizeof path);
	}
	put(7, 1000, 100);
	files_each(".key", count_one, &keys);
	assert_int_equal(keys, 2); /* its own and the copy's */
	limits_defaults(&limits);
	if (depot_open(&copy, path, &limits, DEVICES, clock_minute(), &report, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(report.messages, 100);
	assert_int_equal(report.unreadable + report.damaged, 0);
	const struct mailbox *box = mailbox_at(depot_mailboxes(copy), 0);
	assert_non_null(box);
	assert_int_equal(depot_read(copy, box, 99, &frame), 0);
	depot_close(copy);
	assert_int_equal(ask_op(ADMIN_BACKUP_END).result, 0);
	assert_int_not_equal(stat(path, &seen), 0);
	assert_int_equal(ask_op(ADMIN_BACKUP_END).result, 0);
	assert_int_equal(status().frames, 200);
	/* One that nobody ended goes with the next start. */
	assert_int_equal(ask_op(ADMIN_BACKUP).result, 0);
	close_all();
	open_all();
	assert_int_not_equal(stat(path, &seen), 0);
}

static void nonsense_is_refused(void **state)
{
	struct admin_request request = { .version = ADMIN_VERSION + 1, .op = ADMIN_STATUS };
	uint8_t bytes[sizeof request + 8] = { 0 };

	(void)state;
	assert_int_equal(ask(&request).result, -EPROTO);
	request.version = ADMIN_VERSION;
	request.op = 99;
	assert_int_equal(ask(&request).result, -EOPNOTSUPP);
	assert_int_equal(send(client, bytes, sizeof bytes, 0), sizeof bytes);
	assert_false(admin_serve(&admin, served));
	assert_int_equal(recv(client, bytes, sizeof bytes, 0), 0);
}

static void descriptor_of_no_peer_stays_open(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_false(admin_serve(&admin, ends[0]));
	assert_true(fcntl(ends[0], F_GETFD) >= 0);
	close(ends[0]);
	close(ends[1]);
}

static void peers_beyond_the_room_are_refused(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int others[ADMIN_PEERS_MAX];

	(void)state;
	strcpy(address.sun_path, admin.path);
	for (int i = 0; i < ADMIN_PEERS_MAX; i++) {
		others[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		assert_int_equal(
			connect(others[i], (const struct sockaddr *)&address, sizeof address), 0);
		assert_int_equal(admin_accept(&admin) >= 0, i < ADMIN_PEERS_MAX - 1);
	}
	close(others[0]);
	assert_false(admin_serve(&admin, admin.peers[1]));
	assert_int_equal(connect(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
				 (const struct sockaddr *)&address, sizeof address),
		0);
	assert_true(admin_accept(&admin) >= 0);
	for (int i = 1; i < ADMIN_PEERS_MAX; i++)
		close(others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(status_tells_what_waits),
		TEST(limits_are_kept_over_a_restart),
		TEST(route_is_told_of_and_erased),
		TEST(verify_finds_what_is_damaged),
		TEST(compaction_runs_beside_the_rest),
		TEST(backup_is_a_store_of_its_own),
		TEST(nonsense_is_refused),
		TEST(descriptor_of_no_peer_stays_open),
		TEST(peers_beyond_the_room_are_refused),
#undef TEST
	};
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
