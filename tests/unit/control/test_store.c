/* The store: what it keeps and what it refuses. */
#include "store_files.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static void reopen(void)
{
	store_close(store);
	assert_int_equal(store_open(directory, &store, error), 0);
}

static struct store_invitation invitation_of(uint8_t seed, int64_t expires_s)
{
	struct store_invitation invitation = { .created_s = 10, .expires_s = expires_s };

	fill(invitation.id, sizeof invitation.id, seed);
	fill(invitation.secret, sizeof invitation.secret, (uint8_t)(seed + 50));
	return invitation;
}

static void keeps_what_was_committed(void **state)
{
	struct store_device device = device_of(7), found;
	struct store_route route = route_of(1, 1), got;
	uint8_t secret[32], again[32];

	(void)state;
	assert_int_equal(store_reset_secret(store, secret), 0);
	assert_int_equal(store_device_add(store, &device), 0);
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_commit(store), 0);
	reopen();
	assert_int_equal(store_device_get(store, device.id, &found), 0);
	assert_memory_equal(&found, &device, sizeof device);
	assert_int_equal(store_device_by_key(store, device.key, &found), 0);
	assert_int_equal(found.id, device.id);
	assert_int_equal(store_route_by_request(store, device.id, route.request, &got), 0);
	assert_memory_equal(got.route, route.route, sizeof got.route);
	assert_int_equal(got.slot, 7);
	assert_int_equal(store_reset_secret(store, again), 0);
	assert_memory_equal(secret, again, sizeof secret);
	assert_false(sodium_is_zero(secret, sizeof secret));
}

static void forgets_what_was_not(void **state)
{
	struct store_device device = device_of(1), found;

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	store_rollback(store);
	assert_int_equal(store_device_get(store, device.id, &found), -ENOENT);
	assert_int_equal(store_device_add(store, &device), 0);
	reopen();
	assert_int_equal(store_device_by_key(store, device.key, &found), -ENOENT);
	assert_true(sodium_is_zero((uint8_t *)&found, sizeof found));
}

static void message_limits_are_kept(void **state)
{
	struct store_message_limits limits, found;

	(void)state;
	assert_int_equal(store_message_limits(store, &limits), 0);
	assert_int_equal(limits.route_frames, STORE_LIMIT_DEFAULT);
	limits = (struct store_message_limits){ 1, 2, 3, 4, 5, STORE_LIMIT_DEFAULT, 7 };
	assert_int_equal(store_message_limits_set(store, 0, &limits), 0);
	assert_int_equal(store_commit(store), 0);
	reopen();
	assert_int_equal(store_message_limits(store, &found), 0);
	assert_memory_equal(&found, &limits, sizeof limits);
}

static uint32_t erasures(struct store_erasure *found)
{
	uint32_t count;

	assert_int_equal(store_erasures_after(store, 0, found, 8, &count), 0);
	return count;
}

/* Whatever deletes a route, what waits under it is to be erased too; but nobody is told of routes
 * where there never was a message store. */
static void routes_that_go_leave_an_erasure(void **state)
{
	struct store_device one = device_of(1), two = device_of(2);
	struct store_route route = route_of(1, 1), second = route_of(2, 2), third = route_of(2, 3);
	struct store_erasure found[8];
	uint64_t last;
	uint32_t deleted;
	const int64_t now_s = time(NULL);

	(void)state;
	assert_int_equal(store_device_add(store, &one), 0);
	assert_int_equal(store_device_add(store, &two), 0);
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_route_delete(store, 1, route.route), 0);
	assert_int_equal(erasures(found), 0);
	assert_int_equal(store_message_store_seen(store), 0);
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_route_add(store, &second), 0);
	assert_int_equal(store_route_add(store, &third), 0);
	assert_int_equal(store_route_delete(store, 1, route.route), 0);
	assert_int_equal(store_device_revoke(store, 2, now_s), 0);
	assert_int_equal(store_commit(store), 0);
	reopen();
	assert_int_equal(erasures(found), 3);
	assert_memory_equal(found[0].route, route.route, 16);
	assert_int_equal(store_erasures_last(store, &last), 0);
	assert_int_equal(last, found[2].row);
	assert_int_equal(store_erasure_delete(store, found[1].row), 0);
	assert_int_equal(store_erasure_delete(store, found[1].row), -ENOENT);
	assert_true(store_erase_due(store));
	assert_int_equal(erasures(found), 2);
	/* They go by themselves when whatever waited has expired: 21 days, rounded up. */
	assert_int_equal(store_expire(store, now_s + 21 * 86400, &deleted), 0);
	assert_int_equal(deleted, 0);
	struct store_message_limits limits;
	assert_int_equal(store_message_limits(store, &limits), 0);
	limits.ttl_minutes = 30 * 24 * 60;
	assert_int_equal(store_message_limits_set(store, now_s, &limits), 0);
	assert_int_equal(store_expire(store, now_s + 22 * 86400, &deleted), 0);
	assert_int_equal(deleted, 0);
	assert_int_equal(erasures(found), 2);
	assert_int_equal(store_expire(store, now_s + 31 * 86400, &deleted), 0);
	assert_int_equal(erasures(found), 0);
}

static void devices_are_unique(void **state)
{
	struct store_device one = device_of(1), two = device_of(2), third = device_of(3);

	(void)state;
	assert_int_equal(store_device_add(store, &one), 0);
	memcpy(two.key, one.key, sizeof two.key);
	assert_int_equal(store_device_add(store, &two), -EEXIST);
	third.slot = one.slot;
	assert_int_equal(store_device_add(store, &third), -EEXIST);
	/* The failures have not taken the first with them. */
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_device_by_key(store, one.key, &two), 0);
}

static void limits_change(void **state)
{
	struct store_device device = device_of(1);
	struct store_limits limits = { 3, STORE_LIMIT_DEFAULT, 5 };

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	assert_int_equal(store_device_limits(store, device.id, &limits), 0);
	assert_int_equal(store_device_limits(store, device.id + 1, &limits), -ENOENT);
	assert_int_equal(store_device_get(store, device.id, &device), 0);
	assert_memory_equal(&device.limits, &limits, sizeof limits);
}

static void revoked_device_is_kept_thirty_days(void **state)
{
	struct store_device device = device_of(1), other = device_of(2), found;
	struct store_route route = route_of(1, 1);
	uint8_t psk[1][16];
	uint32_t count;

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	assert_int_equal(store_device_add(store, &other), 0);
	route.device = device.id;
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_device_revoke(store, device.id, 5000), 0);
	assert_int_equal(store_device_revoke(store, device.id, 5001), -ENOENT);
	assert_int_equal(store_device_get(store, device.id, &found), 0);
	assert_int_equal(found.revoked_s, 5000);
	assert_int_equal(found.slot, STORE_NO_SLOT);
	assert_memory_equal(found.psk, device.psk, sizeof found.psk);
	assert_int_equal(store_route_count(store, device.id, &count), 0);
	assert_int_equal(count, 0);
	/* Its slot is free at once. */
	struct store_device next = device_of(3);
	next.slot = device.slot;
	assert_int_equal(store_device_add(store, &next), 0);

	assert_int_equal(store_expire(store, 5000 + STORE_REVOKED_KEEP_S - 1, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(store_commit(store), 0);
	memcpy(psk[0], device.psk, 16);
	assert_int_equal(in_files(psk, 1), 1);
	assert_int_equal(store_expire(store, 5000 + STORE_REVOKED_KEEP_S, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(store_device_get(store, device.id, &found), -ENOENT);
	assert_int_equal(store_commit(store), 0);
	assert_true(store_erase_due(store));
	assert_int_equal(store_erase(store), 0);
	assert_int_equal(in_files(psk, 1), 0);
	assert_int_equal(store_device_get(store, other.id, &found), 0);
}

static void routes_are_unique_and_owned(void **state)
{
	struct store_device device = device_of(1);
	struct store_route route = route_of(1, 1), other = route_of(1, 2), found[4];
	uint32_t count;

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	assert_int_equal(store_route_add(store, &route), 0);
	assert_int_equal(store_route_add(store, &route), -EEXIST);
	other.request = route.request;
	assert_int_equal(store_route_add(store, &other), -EEXIST);
	assert_int_equal(store_route_flags(store, 1, route.route, 0), 0);
	assert_int_equal(store_route_flags(store, 2, route.route, 0), -ENOENT);
	assert_int_equal(store_routes_after(store, 1, 0, found, 4, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].flags, 0);
	assert_int_equal(store_route_delete(store, 2, route.route), -ENOENT);
	assert_int_equal(store_route_delete(store, 1, route.route), 0);
	assert_int_equal(store_route_delete(store, 1, route.route), -ENOENT);
}

static void routes_by_page_and_prefix(void **state)
{
	struct store_route found[8], wanted;
	struct store_target targets[8];
	uint32_t count, seen = 0;
	uint64_t after = 0;

	(void)state;
	for (uint8_t i = 1; i <= 2; i++) {
		struct store_device device = device_of(i);
		assert_int_equal(store_device_add(store, &device), 0);
	}
	for (uint8_t i = 0; i < 20; i++) {
		struct store_route route = route_of(1U + i % 2, i);
		assert_int_equal(store_route_add(store, &route), 0);
	}
	do {
		assert_int_equal(store_routes_after(store, 0, after, found, 8, &count), 0);
		for (uint32_t i = 0; i < count; i++) {
			assert_true(found[i].row > after);
			after = found[i].row;
			assert_int_equal(found[i].slot, found[i].device);
		}
		seen += count;
	} while (count == 8);
	assert_int_equal(seen, 20);
	after = seen = 0;
	do {
		assert_int_equal(store_targets_after(store, after, targets, 8, &count), 0);
		for (uint32_t i = 0; i < count; i++, seen++) {
			wanted = route_of(1U + seen % 2, (uint8_t)seen);
			assert_true(targets[i].row > after);
			after = targets[i].row;
			assert_int_equal(targets[i].device, wanted.device);
			assert_int_equal(targets[i].flags, wanted.flags);
			assert_memory_equal(targets[i].route, wanted.route, sizeof wanted.route);
		}
	} while (count == 8);
	assert_int_equal(seen, 20);
	wanted = route_of(1, 6);
	assert_int_equal(store_routes_by_prefix(store, wanted.route, 4, found, 8, &count), 0);
	assert_int_equal(count, 1);
	assert_memory_equal(found[0].route, wanted.route, sizeof wanted.route);
	assert_int_equal(store_routes_by_prefix(store, NULL, 0, found, 8, &count), 0);
	assert_int_equal(count, 8);
}

static void invitation_is_used_once(void **state)
{
	struct store_invitation invitation = invitation_of(1, 100), found;
	uint8_t secret[1][16];

	(void)state;
	memcpy(secret[0], invitation.secret, 16);
	assert_int_equal(store_invitation_add(store, &invitation), 0);
	assert_int_equal(store_invitation_add(store, &invitation), -EEXIST);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(in_files(secret, 1), 1);
	assert_int_equal(store_invitation_use(store, invitation.id, 9, 50), 0);
	assert_int_equal(store_invitation_use(store, invitation.id, 8, 51), -ENOENT);
	assert_int_equal(store_invitation_get(store, invitation.id, &found), 0);
	assert_int_equal(found.device, 9);
	assert_int_equal(found.used_s, 50);
	assert_true(sodium_is_zero(found.secret, sizeof found.secret));
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_erase(store), 0);
	assert_int_equal(in_files(secret, 1), 0);
}

static void invitations_expire(void **state)
{
	struct store_invitation invitation = invitation_of(1, 100), found;
	struct store_counts counts;
	uint32_t deleted;

	(void)state;
	assert_int_equal(store_invitation_add(store, &invitation), 0);
	assert_int_equal(store_counts(store, 99, &counts), 0);
	assert_int_equal(counts.invitations_open, 1);
	assert_int_equal(store_counts(store, 100, &counts), 0);
	assert_int_equal(counts.invitations_open, 0);
	assert_int_equal(store_expire(store, 100 + STORE_INVITATION_KEEP_S - 1, &deleted), 0);
	assert_int_equal(store_invitation_get(store, invitation.id, &found), 0);
	assert_int_equal(store_expire(store, 100 + STORE_INVITATION_KEEP_S, &deleted), 0);
	assert_int_equal(store_invitation_get(store, invitation.id, &found), -ENOENT);
}

static int read_audit(void *arg, const struct store_audit *audit)
{
	char *text = arg;

	sprintf(text + strlen(text), "%d %s %s %s;", (int)audit->at_s, audit->who, audit->what,
		audit->outcome);
	return 0;
}

static void audit_is_a_log(void **state)
{
	char text[256] = "";

	(void)state;
	assert_int_equal(store_audit_add(store, 5, "root", "invite", "ok"), 0);
	assert_int_equal(store_audit_add(store, 6, "eve", "revoke 3", "no such device"), 0);
	assert_int_equal(store_audits_after(store, 0, 10, read_audit, text), 0);
	assert_string_equal(text, "5 root invite ok;6 eve revoke 3 no such device;");
	text[0] = '\0';
	assert_int_equal(store_audits_after(store, 1, 10, read_audit, text), 0);
	assert_string_equal(text, "6 eve revoke 3 no such device;");
}

static void erase_waits_for_the_commit(void **state)
{
	struct store_invitation invitation = invitation_of(1, 100);

	(void)state;
	assert_int_equal(store_invitation_add(store, &invitation), 0);
	assert_int_equal(store_invitation_delete(store, invitation.id), 0);
	assert_int_equal(store_erase(store), -EBUSY);
	assert_true(store_erase_due(store));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_was_committed),
		TEST(forgets_what_was_not),
		TEST(message_limits_are_kept),
		TEST(routes_that_go_leave_an_erasure),
		TEST(devices_are_unique),
		TEST(limits_change),
		TEST(revoked_device_is_kept_thirty_days),
		TEST(routes_are_unique_and_owned),
		TEST(routes_by_page_and_prefix),
		TEST(invitation_is_used_once),
		TEST(invitations_expire),
		TEST(audit_is_a_log),
		TEST(erase_waits_for_the_commit),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
