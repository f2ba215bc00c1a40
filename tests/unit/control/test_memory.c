/* What has ended is gone from control's memory: every writable mapping of this process is searched,
 * the stacks of the responder's threads included. The test keeps what it looks for inverted. */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NEEDLE_BYTES = 16 };

/* Larger ones are the sanitizers' own. */
#define MAPPING_BYTES_MAX (UINT64_C(1) << 30)

struct needle {
	const char *what;
	uint8_t inverted[NEEDLE_BYTES];
};

static struct needle needle(const char *what, const uint8_t *bytes)
{
	struct needle made = { .what = what };

	for (int i = 0; i < NEEDLE_BYTES; i++)
		made.inverted[i] = bytes[i] ^ 0xff;
	return made;
}

static bool matches(const uint8_t *at, const struct needle *wanted)
{
	for (int i = 0; i < NEEDLE_BYTES; i++)
		if (at[i] + wanted->inverted[i] != 0xff)
			return false;
	return true;
}

static uint32_t hits_in(const uint8_t *bytes, size_t len, const struct needle *wanted)
{
	uint32_t hits = 0;
	const uint8_t first = wanted->inverted[0] ^ 0xff;
	const uint8_t *at = bytes;

	while (len >= NEEDLE_BYTES &&
		(at = memchr(at, first, (size_t)(bytes + len - at) - NEEDLE_BYTES + 1)) != NULL) {
		hits += matches(at, wanted);
		at++;
		if (at > bytes + len - NEEDLE_BYTES)
			break;
	}
	return hits;
}

/* How often the bytes are found in writable memory. Reads through /proc, so that no mapping is in
 * the way. */
static uint32_t search(const struct needle *wanted)
{
	static uint8_t chunk[1 << 16];
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	uint32_t hits = 0;
	char line[512];

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof line, maps)) {
		uintptr_t from, to;
		char rights[8];
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &from, &to, rights) != 3 ||
			rights[1] != 'w')
			continue;
		if (to - from > MAPPING_BYTES_MAX)
			continue;
		/* Chunks overlap by a needle; the chunk itself is left out. */
		for (uintptr_t at = from; at < to; at += sizeof chunk - NEEDLE_BYTES) {
			size_t len = to - at < sizeof chunk ? to - at : sizeof chunk;
			if (at < (uintptr_t)chunk + sizeof chunk && at + len > (uintptr_t)chunk)
				continue;
			ssize_t got = pread(memory, chunk, len, (off_t)at);
			if (got > 0)
				hits += hits_in(chunk, (size_t)got, wanted);
			if (len < sizeof chunk)
				break;
		}
	}
	fclose(maps);
	close(memory);
	sodium_memzero(chunk, sizeof chunk);
	return hits;
}

static void assert_gone(const struct needle *wanted)
{
	/* What the test's own calls left on this thread's stack. */
	sodium_stackzero(1 << 16);
	if (search(wanted) != 0)
		fail_msg("%s is still in memory", wanted->what);
}

static void erase(struct rig *rig)
{
	operations_expire(&rig->control->operations, control_now_s() + OPERATION_KEEP_S);
	assert_int_equal(store_erase(rig->control->store), 0);
}

static void search_finds_what_is_there(void **state)
{
	uint8_t *planted = malloc(64);
	struct needle wanted;

	(void)state;
	randombytes_buf(planted, 64);
	wanted = needle("marker", planted + 7);
	assert_true(search(&wanted) > 0);
	sodium_memzero(planted, 64);
	assert_gone(&wanted);
	free(planted);
}

static void session_keys(void **state)
{
	struct rig *rig = *state;
	struct needle receive, send;
	struct rig_device device;

	for (int i = 0; i < 3; i++) {
		if (i == 0)
			rig_enrol(rig, &device);
		else
			rig_handshake(rig, &device);
	}
	receive = needle("a receive key", device.keys.initiator_to_responder);
	send = needle("a send key", device.keys.responder_to_initiator);
	sodium_memzero(&device, sizeof device);
	sodium_memzero(rig->sessions, sizeof rig->sessions);
	rig_wipe_buffers();
	assert_gone(&receive);
	assert_gone(&send);
}

static void cancelled_invitation(void **state)
{
	struct rig *rig = *state;
	struct rig_device device;
	struct needle secret;

	rig_invite(rig, 3600, &device);
	secret = needle("an invitation's secret", device.psk);
	rig_init(rig, &device);
	rig_end(rig, rig_session(rig, &device)->install.index, TABLE_END_UNCONFIRMED);
	rig_settle(rig);
	assert_int_equal(control_invitation_cancel(rig->control, device.invitation_id), 0);
	erase(rig);
	sodium_memzero(&device, sizeof device);
	rig_wipe_buffers();
	assert_gone(&secret);
}

static void revoked_route(void **state)
{
	struct rig *rig = *state;
	struct control_route_create request = { .flags = put32(0) };
	struct control_route_answer answer;
	struct rig_device device;
	struct needle route;
	uint32_t session = rig_enrol(rig, &device);

	for (uint64_t id = 1; id <= 2; id++)
		assert_int_equal(rig_operation(rig, session, id, CONTROL_OP_ROUTE_CREATE, &request,
					 sizeof request, &answer, sizeof answer),
			CONTROL_OK);
	route = needle("a revoked route", answer.route);
	assert_int_equal(rig_operation(rig, session, 3, CONTROL_OP_ROUTE_REVOKE, answer.route,
				 WIRE_ROUTE_BYTES, NULL, 0),
		CONTROL_OK);
	erase(rig);
	sodium_memzero(&answer, sizeof answer);
	sodium_memzero(rig->routes, sizeof rig->routes);
	sodium_memzero(rig->answers, sizeof rig->answers);
	rig_wipe_buffers();
	assert_gone(&route);
}

static void revoked_device_and_its_routes(void **state)
{
	struct rig *rig = *state;
	struct control_route_create request = { .flags = put32(0) };
	struct control_route_answer answer;
	struct rig_device device;
	struct needle route, psk;
	uint32_t session = rig_enrol(rig, &device), deleted;

	assert_int_equal(rig_operation(rig, session, 1, CONTROL_OP_ROUTE_CREATE, &request,
				 sizeof request, &answer, sizeof answer),
		CONTROL_OK);
	route = needle("a revoked device's route", answer.route);
	psk = needle("a revoked device's psk", device.psk);
	assert_int_equal(control_device_revoke(rig->control, 1), 0);
	rig_settle(rig);
	assert_int_equal(store_expire(rig->control->store,
				 control_now_s() + STORE_REVOKED_KEEP_S + 1, &deleted),
		0);
	assert_int_equal(store_commit(rig->control->store), 0);
	erase(rig);
	sodium_memzero(&answer, sizeof answer);
	sodium_memzero(&device, sizeof device);
	sodium_memzero(rig->routes, sizeof rig->routes);
	sodium_memzero(rig->answers, sizeof rig->answers);
	rig_wipe_buffers();
	assert_gone(&route);
	assert_gone(&psk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(search_finds_what_is_there),
		TEST(session_keys),
		TEST(cancelled_invitation),
		TEST(revoked_route),
		TEST(revoked_device_and_its_routes),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
