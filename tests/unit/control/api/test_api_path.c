#include "control/api/path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *path;
	enum api_resource resource;
	const char *device, *name;
} good[] = {
	{ "/v1/status", API_RESOURCE_status, "", "" },
	{ "/v1/devices", API_RESOURCE_devices, "", "" },
	{ "/v1/devices/17-3f9a2c1b", API_RESOURCE_device, "17-3f9a2c1b", "" },
	{ "/v1/devices/17/routes", API_RESOURCE_device_routes, "17", "" },
	{ "/v1/devices/17/routes/5be1a07c", API_RESOURCE_device_route, "17", "5be1a07c" },
	{ "/v1/devices/17/disclosure", API_RESOURCE_device_disclosure, "17", "" },
	{ "/v1/routes/5BE1A07C", API_RESOURCE_route, "", "5BE1A07C" },
	{ "/v1/disclosure/devices", API_RESOURCE_disclosure_devices, "", "" },
	{ "/v1/stats/stages", API_RESOURCE_stages, "", "" },
	{ "/metrics", API_RESOURCE_metrics, "", "" },
};

static void a_path_names_its_resource(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct api_path path;
		if (api_path_parse(good[i].path, &path) != 0)
			fail_msg("refused: %s", good[i].path);
		assert_int_equal(path.resource, good[i].resource);
		assert_string_equal(path.device, good[i].device);
		assert_string_equal(path.name, good[i].name);
	}
}

static void any_other_path_names_none(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "/", "/v1", "/v1/", "/v1/statu", "/v1/status/",
		"/v1/statusx", "/v2/status", "v1/status", "/v1/devices/", "/v1/devices/17/",
		"/v1/devices/17/routes/", "/v1/devices//routes", "/v1/devices/../status",
		"/v1/devices/1 7", "/v1/devices/17%00", "/v1/devices/xyz", "/v1/devices/*" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct api_path path;
		if (api_path_parse(bad[i], &path) != -ENOENT)
			fail_msg("accepted: %s", bad[i]);
		assert_string_equal(path.device, "");
		assert_string_equal(path.name, "");
	}
}

static void the_longest_name_fits_and_a_longer_one_does_not(void **state)
{
	(void)state;
	char text[128] = "/v1/routes/";
	struct api_path path;
	memset(text + strlen(text), 'a', API_NAME_BYTES - 1);
	assert_int_equal(api_path_parse(text, &path), 0);
	assert_int_equal(strlen(path.name), API_NAME_BYTES - 1);
	text[strlen(text)] = 'a';
	assert_int_equal(api_path_parse(text, &path), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_names_its_resource),
		cmocka_unit_test(any_other_path_names_none),
		cmocka_unit_test(the_longest_name_fits_and_a_longer_one_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
