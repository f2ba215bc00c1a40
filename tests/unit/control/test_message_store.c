/* Control and the message store: limits, questions, erasures. This file is the message store. */
#include "rig.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TAKEN_MAX = 256 };

static struct rig *rig;
static int listener = -1, connection = -1;
static struct admin_request taken[TAKEN_MAX];
static uint32_t taken_count;
static bool silent, refusing, copying; /* copying: BACKUP goes on until it is false */
static struct admin_status status_now;

static void fake_listen(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/store-admin.sock", rig->dir);
	unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 1), 0);
}

static void fake_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void send_reply(const struct admin_reply *reply)
{
	assert_true(send(connection, reply, sizeof *reply, MSG_NOSIGNAL) > 0);
}

static bool fake_serve(void)
{
	struct admin_request request;
	bool any = false;

	if (listener >= 0 && connection < 0) {
		connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		any |= connection >= 0;
	}
	while (!silent && connection >= 0 &&
		recv(connection, &request, sizeof request, 0) == sizeof request) {
		struct admin_reply reply = { .op = request.op };
		assert_int_equal(request.version, ADMIN_VERSION);
		assert_true(taken_count < TAKEN_MAX);
		taken[taken_count++] = request;
		if (request.op == ADMIN_STATUS)
			reply.status = status_now;
		if (refusing && request.op != ADMIN_STATUS) {
			reply.result = -EIO;
			strcpy(reply.text, "the disk is gone");
		}
		if (!copying || request.op != ADMIN_BACKUP)
			send_reply(&reply);
		any = true;
	}
	return any;
}

/* For so many milliseconds, and until nothing more happens. */
static void turn(int ms)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		rig_settle(rig);
		while (fake_serve())
			rig_settle(rig);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static bool is_connected(void)
{
	struct control_message_info info;

	control_message_info(rig->control, &info);
	return info.connected_s != 0 && info.status_s != 0;
}

static void turn_until(bool (*there)(void), int seconds)
{
	for (int i = 0; i < seconds * 50 && !there(); i++)
		turn(20);
	assert_true(there());
}

static uint32_t count_of(enum admin_op op)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < taken_count; i++)
		count += taken[i].op == op;
	return count;
}

static int start(void **state)
{
	(void)state;
	rig = rig_create();
	taken_count = 0;
	silent = refusing = copying = false;
	status_now = (struct admin_status){ .frames = 7, .linked = 1 };
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fake_close(&connection);
	fake_close(&listener);
	rig_destroy(rig);
	return 0;
}

struct answer {
	uint32_t calls;
	int error, result;
	struct admin_status status;
};

static void on_answer(void *arg, int error, const struct admin_reply *reply)
{
	struct answer *answer = arg;

	answer->calls++;
	answer->error = error;
	answer->result = reply ? reply->result : 0;
	if (reply)
		answer->status = reply->status;
}

static void limits_are_sent_on_connect_and_on_change(void **state)
{
	struct store_message_limits own;
	struct admin_limits limits;
	struct answer answer = { 0 };

	(void)state;
	rig_start(rig);
	assert_int_equal(control_message_limits(rig->control, &own, &limits), 0);
	assert_int_equal(limits.ttl_minutes, 21 * 24 * 60);
	own.route_frames = 12;
	assert_int_equal(control_message_limits_set(rig->control, &own), 0);
	assert_int_equal(control_message_limits_send(rig->control, on_answer, &answer), -ENOTCONN);
	fake_listen();
	turn_until(is_connected, 20);
	assert_int_equal(count_of(ADMIN_LIMITS_SET), 1);
	assert_int_equal(taken[0].op, ADMIN_LIMITS_SET);
	assert_int_equal(taken[0].limits.route_frames, 12);
	assert_int_equal(taken[0].limits.device_frames, admin_limits_default().device_frames);
	own.device_frames = 100;
	assert_int_equal(control_message_limits_set(rig->control, &own), 0);
	assert_int_equal(control_message_limits_send(rig->control, on_answer, &answer), 0);
	turn(50);
	assert_int_equal(answer.calls, 1);
	assert_int_equal(count_of(ADMIN_LIMITS_SET), 2);
	assert_int_equal(taken[taken_count - 1].limits.device_frames, 100);
	/* A store that comes anew gets them anew. */
	fake_close(&connection);
	turn(100);
	turn_until(is_connected, 20);
	assert_int_equal(count_of(ADMIN_LIMITS_SET), 3);
}

static void questions_are_answered_or_end(void **state)
{
	const struct admin_request status = { .op = ADMIN_STATUS };
	struct answer one = { 0 }, two = { 0 }, three = { 0 };

	(void)state;
	rig_start(rig);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), -ENOTCONN);
	fake_listen();
	turn_until(is_connected, 20);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), 0);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &two), 0);
	turn(50);
	assert_int_equal(one.calls, 1);
	assert_int_equal(one.error, 0);
	assert_int_equal(one.status.frames, 7);
	assert_int_equal(two.calls, 1);
	/* One that hangs: the first is with it, the second in line, the third forgotten. */
	silent = true;
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), 0);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &two), 0);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &three), 0);
	control_forget(rig->control, &three);
	turn((CONTROL_MESSAGE_WAIT_S + 1) * 1000);
	assert_int_equal(one.calls, 2);
	assert_int_equal(one.error, -ETIMEDOUT);
	assert_int_equal(two.calls, 2);
	assert_int_equal(two.error, -ETIMEDOUT);
	assert_int_equal(three.calls, 0);
	/* Its late reply is for nobody; the next question gets its own. */
	status_now.frames = 8;
	silent = false;
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), 0);
	turn(50);
	assert_int_equal(one.calls, 3);
	assert_int_equal(one.error, 0);
	assert_int_equal(one.status.frames, 8);
	assert_int_equal(two.calls, 2);
	/* One that goes away. */
	silent = true;
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), 0);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &two), 0);
	fake_close(&connection);
	fake_close(&listener);
	turn(100);
	assert_int_equal(one.error, -ENOTCONN);
	assert_int_equal(two.error, -ENOTCONN);
	assert_false(is_connected());
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), -ENOTCONN);
}

static void control_ends_with_questions_on_their_way(void **state)
{
	const struct admin_request status = { .op = ADMIN_STATUS };
	struct answer one = { 0 };

	(void)state;
	rig_start(rig);
	fake_listen();
	turn_until(is_connected, 20);
	silent = true;
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &one), 0);
	rig_stop(rig);
	assert_int_equal(one.calls, 1);
	assert_int_equal(one.error, -ECANCELED);
}

static void nonsense_breaks_the_connection(void **state)
{
	struct admin_reply reply = { .op = ADMIN_VERIFY };

	(void)state;
	rig_start(rig);
	fake_listen();
	turn_until(is_connected, 20);
	assert_true(send(connection, &reply, sizeof reply, 0) > 0); /* nobody asked */
	rig_settle(rig);
	assert_false(is_connected());
	fake_close(&connection);
	turn_until(is_connected, 20);
}

static void on_backup(void *arg, int error, const char *text, const struct control_backup *made)
{
	(void)text;
	(void)made;
	on_answer(arg, error, NULL);
}

/* It takes minutes; what control asks meanwhile is answered, and what removes the copy waits. */
static void a_backup_holds_nothing_up(void **state)
{
	const struct admin_request status = { .op = ADMIN_STATUS },
				   end = { .op = ADMIN_BACKUP_END };
	struct answer backup = { 0 }, between = { 0 }, ended = { 0 };

	(void)state;
	rig_start(rig);
	fake_listen();
	turn_until(is_connected, 20);
	copying = true;
	assert_int_equal(control_backup(rig->control, true, on_backup, &backup), 0);
	for (int i = 0; i < 500 && count_of(ADMIN_BACKUP) == 0; i++)
		turn(10);
	assert_int_equal(count_of(ADMIN_BACKUP), 1);
	assert_int_equal(control_message_ask(rig->control, &status, on_answer, &between), 0);
	assert_int_equal(control_message_ask(rig->control, &end, on_answer, &ended), 0);
	for (int i = 0; i < 500 && between.calls == 0; i++)
		turn(10);
	assert_int_equal(between.calls, 1);
	assert_int_equal(between.error, 0);
	assert_int_equal(between.status.frames, 7);
	assert_int_equal(backup.calls, 0);
	assert_int_equal(count_of(ADMIN_BACKUP_END), 0);

	copying = false;
	send_reply(&(struct admin_reply){ .op = ADMIN_BACKUP, .path = { "/copy" } });
	for (int i = 0; i < 500 && (backup.calls == 0 || ended.calls == 0); i++)
		turn(10);
	assert_int_equal(backup.calls, 1);
	assert_int_equal(backup.error, 0);
	assert_int_equal(ended.calls, 1);
	assert_int_equal(ended.error, 0);
	assert_true(control_backup_end(rig->control, NULL, NULL) >= 0);
}

static uint64_t waiting_erasures(void)
{
	struct store_counts counts;

	assert_int_equal(store_counts(control_store(rig->control), 0, &counts), 0);
	return counts.erasures;
}

static bool all_erased(void)
{
	return waiting_erasures() == 0;
}

enum { ROUTES = MESSAGE_ERASE_BATCH + 6 };

static bool asked_for_all(void)
{
	return count_of(ADMIN_ROUTE_ERASE) >= ROUTES;
}

static void add_routes(uint32_t count, uint8_t first[16])
{
	struct store *store = control_store(rig->control);

	for (uint32_t i = 0; i < count; i++) {
		struct store_route route = { .device = 1, .request = i };
		fill(route.route, sizeof route.route, (uint8_t)(i + 1));
		if (i == 0)
			memcpy(first, route.route, 16);
		assert_int_equal(store_route_add(store, &route), 0);
	}
	assert_int_equal(store_commit(store), 0);
}

/* The message store is away when they are revoked: it hears of it when it comes, and again once the
 * dataplane has certainly forgotten the route. */
static void what_waits_under_revoked_routes_is_erased(void **state)
{
	struct rig_device device;
	uint8_t first[16];

	(void)state;
	rig_start(rig);
	fake_listen();
	turn_until(is_connected, 20);
	rig_connect(rig);
	rig_invite(rig, 60, &device);
	rig_enrol(rig, &device);
	add_routes(ROUTES, first);
	fake_close(&connection);
	fake_close(&listener);
	turn(50);
	assert_int_equal(control_device_revoke(rig->control, 1), 0);
	assert_int_equal(waiting_erasures(), ROUTES);
	rig_stop(rig); /* the list outlives control */
	rig_disconnect(rig);
	taken_count = 0;
	rig_start(rig);
	fake_listen();
	turn_until(is_connected, 20);
	turn_until(asked_for_all, 30);
	turn(1500);
	/* Without a dataplane in step they are erased, and kept: one that is out of step may still
	 * let frames in. */
	assert_int_equal(count_of(ADMIN_ROUTE_ERASE), ROUTES);
	assert_int_equal(waiting_erasures(), ROUTES);
	rig_connect(rig);
	turn_until(all_erased, 30);
	assert_int_equal(count_of(ADMIN_ROUTE_ERASE), 2 * ROUTES);
	for (uint32_t i = 0; i < taken_count; i++)
		if (taken[i].op == ADMIN_ROUTE_ERASE) {
			assert_memory_equal(taken[i].route.route, first, 16);
			break;
		}
	assert_int_equal(rig_counter(rig, CONTROL_COUNTER_message_erasures), 2 * ROUTES);
	turn(STORE_ERASE_S * 1000);
	rig_stop(rig);
	assert_false(rig_files_hold(rig, first, sizeof first));
}

static void a_store_that_can_not_erase_is_asked_again(void **state)
{
	struct rig_device device;
	uint8_t first[16];

	(void)state;
	rig_start(rig);
	fake_listen();
	turn_until(is_connected, 20);
	rig_connect(rig);
	rig_invite(rig, 60, &device);
	rig_enrol(rig, &device);
	add_routes(1, first);
	refusing = true;
	assert_int_equal(control_route_revoke(rig->control, first), 0);
	turn(4500);
	assert_true(count_of(ADMIN_ROUTE_ERASE) >= 2);
	assert_int_equal(waiting_erasures(), 1);
	refusing = false;
	turn_until(all_erased, 30);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(limits_are_sent_on_connect_and_on_change),
		TEST(questions_are_answered_or_end),
		TEST(control_ends_with_questions_on_their_way),
		TEST(nonsense_breaks_the_connection),
		TEST(a_backup_holds_nothing_up),
		TEST(what_waits_under_revoked_routes_is_erased),
		TEST(a_store_that_can_not_erase_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
