#include "control/api/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct invite_case {
	const char *body, *fault; /* fault: a part of the sentence, NULL where the body is good */
	uint32_t ttl_s, count;
};

static const struct invite_case invite_cases[] = {
	{ "", NULL, 86400, 1 },
	{ "{}", NULL, 86400, 1 },
	{ "{\"ttl_s\":1}", NULL, 1, 1 },
	{ "{\"ttl_s\":31622400,\"count\":100}", NULL, 31622400, 100 },
	{ " { \"count\" : 7 } ", NULL, 86400, 7 },
	{ "{\"ttl_s\":0}", "\"ttl_s\" must be an integer from 1 to 31622400", 0, 0 },
	{ "{\"ttl_s\":31622401}", "\"ttl_s\" must be", 0, 0 },
	{ "{\"ttl_s\":-5}", "\"ttl_s\" must be", 0, 0 },
	{ "{\"ttl_s\":1.5}", "\"ttl_s\" must be", 0, 0 },
	{ "{\"ttl_s\":\"60\"}", "\"ttl_s\" must be", 0, 0 },
	{ "{\"ttl_s\":null}", "\"ttl_s\" must be", 0, 0 },
	{ "{\"ttl_s\":99999999999999999999}", "no JSON", 0, 0 },
	{ "{\"count\":0}", "\"count\" must be an integer from 1 to 100", 0, 0 },
	{ "{\"count\":101}", "\"count\" must be", 0, 0 },
	{ "{\"tll_s\":60}", "unknown field \"tll_s\"", 0, 0 },
	{ "{\"ttl_s\":60,\"ttl_s\":61}", "no JSON", 0, 0 },
	{ "[]", "must be a JSON object", 0, 0 },
	{ "60", "no JSON", 0, 0 },
	{ "{\"ttl_s\":60", "no JSON", 0, 0 },
	{ "{\"ttl_s\":60} x", "no JSON", 0, 0 },
	{ "{\"\\u001b[31m\":1}", "unknown field \"\"", 0, 0 },
};

static void an_invite_is_read_or_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof invite_cases / sizeof invite_cases[0]; i++) {
		const struct invite_case *c = &invite_cases[i];
		struct api_invite invite = { 99, 99 };
		char fault[API_FAULT_BYTES] = "";
		const int r = api_body_invite(c->body, strlen(c->body), &invite, fault);
		if ((r == 0) != (c->fault == NULL) ||
			(c->fault != NULL && strstr(fault, c->fault) == NULL))
			fail_msg("%s: %d, \"%s\"", c->body, r, fault);
		assert_int_equal(invite.ttl_s, c->ttl_s);
		assert_int_equal(invite.count, c->count);
	}
}

static void limits_say_which_change_and_null_is_the_default(void **state)
{
	(void)state;
	static const char body[] = "{\"routes_max\":null,\"bytes_per_s\":0}";
	struct api_limits limits;
	char fault[API_FAULT_BYTES];
	assert_int_equal(api_body_limits(body, strlen(body), &limits, fault), 0);
	assert_true(limits.routes_max.given);
	assert_int_equal(limits.routes_max.value, -1);
	assert_true(limits.bytes_per_s.given);
	assert_int_equal(limits.bytes_per_s.value, 0);
	assert_false(limits.frames_per_s.given);
}

static void limits_out_of_range_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "{}", "{\"routes_max\":-1}",
		"{\"routes_max\":2147483648}", "{\"frames_per_s\":4294967296}",
		"{\"bytes_per_s\":9223372036854775808}", "{\"bytes_per_s\":true}",
		"{\"routes_max\":5,\"more\":1}" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct api_limits limits;
		char fault[API_FAULT_BYTES] = "";
		if (api_body_limits(bad[i], strlen(bad[i]), &limits, fault) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_true(strlen(fault) > 0);
		assert_false(limits.routes_max.given);
	}
}

static void a_body_that_is_too_long_is_refused(void **state)
{
	(void)state;
	char body[API_BODY_BYTES_MAX + 1], fault[API_FAULT_BYTES];
	struct api_invite invite;
	memset(body, ' ', sizeof body);
	body[0] = '{';
	body[1] = '}';
	assert_int_equal(api_body_invite(body, sizeof body - 1, &invite, fault), 0);
	assert_int_not_equal(api_body_invite(body, sizeof body, &invite, fault), 0);
	assert_non_null(strstr(fault, "longer than 4096 bytes"));
}

/* The bytes lie at the end of their own piece of memory: a step over the end is seen by ASan. */
static void every_truncation_is_refused_and_read_within_its_bounds(void **state)
{
	(void)state;
	static const char body[] = "{\"ttl_s\":60,\"count\":2}";
	for (size_t len = 1; len < strlen(body); len++) {
		struct api_invite invite;
		char fault[API_FAULT_BYTES], *copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, body, len);
		assert_int_not_equal(api_body_invite(copy, len, &invite, fault), 0);
		free(copy);
	}
}

static void a_request_without_a_body_takes_none(void **state)
{
	(void)state;
	char fault[API_FAULT_BYTES];
	assert_int_equal(api_body_none("", 0, fault), 0);
	assert_int_equal(api_body_none("{}", 2, fault), 0);
	assert_int_not_equal(api_body_none("{\"a\":1}", 7, fault), 0);
}

static int store_limits(const char *body, struct api_store_limits *limits, char *fault)
{
	return api_body_store_limits(body, strlen(body), limits, fault);
}

static void limits_of_what_waits_are_read_or_refused_by_name(void **state)
{
	(void)state;
	struct api_store_limits limits;
	char fault[API_FAULT_BYTES];
	static const struct {
		const char *body, *fault;
	} refused[] = {
		{ "", "nothing to change" },
		{ "{}", "nothing to change" },
		{ "{\"ttl_minutes\":60}", "unknown field \"ttl_minutes\"" },
		{ "{\"ttl_s\":90}", "whole minutes" },
		{ "{\"ttl_s\":0}", "\"ttl_s\" must be an integer from 60 to 31622400" },
		{ "{\"route_frames\":0}", "\"route_frames\" must be an integer from 1 to 1048576" },
		{ "{\"route_frames\":true}", "must be an integer" },
		{ "{\"total_bytes\":\"16G\"}", "must be an integer" },
	};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		assert_int_not_equal(store_limits(refused[i].body, &limits, fault), 0);
		if (strstr(fault, refused[i].fault) == NULL)
			fail_msg("%s: %s", refused[i].body, fault);
		assert_false(limits.ttl_minutes.given || limits.route_frames.given);
	}
	assert_int_equal(
		store_limits("{\"ttl_s\":3600,\"disk_free_bytes\":0,\"device_bytes\":null}",
			&limits, fault),
		0);
	assert_true(limits.ttl_minutes.given && limits.ttl_minutes.value == 60);
	assert_true(limits.disk_free_bytes.given && limits.disk_free_bytes.value == 0);
	assert_true(limits.device_bytes.given && limits.device_bytes.value == -1);
	assert_false(limits.route_frames.given);
	assert_int_equal(store_limits("{\"ttl_s\":null}", &limits, fault), 0);
	assert_true(limits.ttl_minutes.given && limits.ttl_minutes.value == -1);
}

static void a_backup_s_flags_are_true_or_false(void **state)
{
	(void)state;
	static const char both[] = "{\"without_store\":true,\"discard\":false}";
	static const char number[] = "{\"discard\":1}";
	struct api_backup backup;
	char fault[API_FAULT_BYTES];
	assert_int_equal(api_body_backup("", 0, &backup, fault), 0);
	assert_false(backup.without_store || backup.discard);
	assert_int_equal(api_body_backup(both, strlen(both), &backup, fault), 0);
	assert_true(backup.without_store && !backup.discard);
	assert_int_not_equal(api_body_backup(number, strlen(number), &backup, fault), 0);
	assert_non_null(strstr(fault, "\"discard\" must be true or false"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_is_read_or_refused_by_name),
		cmocka_unit_test(limits_say_which_change_and_null_is_the_default),
		cmocka_unit_test(limits_out_of_range_are_refused),
		cmocka_unit_test(a_body_that_is_too_long_is_refused),
		cmocka_unit_test(every_truncation_is_refused_and_read_within_its_bounds),
		cmocka_unit_test(a_request_without_a_body_takes_none),
		cmocka_unit_test(limits_of_what_waits_are_read_or_refused_by_name),
		cmocka_unit_test(a_backup_s_flags_are_true_or_false),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
