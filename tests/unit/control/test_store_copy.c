/* The copy of a store in use is a store. */
#include "store_files.h"

#include "control/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUTES = 60000 };

static char copy_dir[80], copy_path[96];

static int make(void **state)
{
	const int result = setup(state);

	snprintf(copy_dir, sizeof copy_dir, "%s-copy", directory);
	snprintf(copy_path, sizeof copy_path, "%s/%s", copy_dir, STORE_FILE);
	return result == 0 ? mkdir(copy_dir, 0700) : result;
}

static int clear(void **state)
{
	unlink(copy_path);
	return rmdir(copy_dir) == 0 ? teardown(state) : -1;
}

static struct store_route numbered(uint32_t number)
{
	struct store_route route = { .device = 1, .request = number };

	memcpy(route.route, &number, sizeof number);
	memset(route.route + 4, 0xab, sizeof route.route - 4);
	return route;
}

static void add(uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		const struct store_route route = numbered(i);
		assert_int_equal(store_route_add(store, &route), 0);
	}
	assert_int_equal(store_commit(store), 0);
}

static void remove_route(uint32_t number)
{
	const struct store_route route = numbered(number);

	assert_int_equal(store_route_delete(store, 1, route.route), 0);
	assert_int_equal(store_commit(store), 0);
}

static uint64_t routes_of(struct store *of)
{
	struct store_counts counts;

	assert_int_equal(store_counts(of, 0, &counts), 0);
	return counts.routes;
}

static bool file_holds(const char *path, const void *bytes, size_t len)
{
	static uint8_t content[16 << 20];
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	const size_t got = fread(content, 1, sizeof content, file);
	fclose(file);
	assert_true(got > 0 && got < sizeof content);
	return memmem(content, got, bytes, len) != NULL;
}

static void what_is_written_meanwhile_is_in_it(void **state)
{
	struct store_device device = device_of(1);
	struct store_route gone = numbered(77), early = numbered(5), uncommitted = numbered(999999);
	struct store_copy *copy;
	struct store *other;
	struct stat status;
	uint8_t secret[32], again[32];
	int steps = 0, result;

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	add(0, ROUTES);
	remove_route(5);
	assert_int_equal(store_erase(store), 0);
	assert_int_equal(store_copy_begin(store, copy_path, &copy, error), 0);
	while ((result = store_copy_step(copy, error)) == 1) {
		steps++;
		add(ROUTES + 10 * (uint32_t)steps, ROUTES + 10 * (uint32_t)steps + 10);
		if (steps == 2)
			remove_route(77);
		if (steps == 3) {
			/* A transaction that is open holds the copy up, and its end lets it go on.
			 */
			assert_int_equal(store_route_add(store, &uncommitted), 0);
			assert_int_equal(store_copy_step(copy, error), 1);
			store_rollback(store);
		}
	}
	assert_int_equal(result, 0);
	assert_true(steps > 3);
	store_copy_end(copy);
	assert_int_equal(stat(copy_path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(store_check(copy_dir, error), 0);
	assert_int_equal(store_open(copy_dir, &other, error), 0);
	assert_int_equal(routes_of(other), routes_of(store));
	assert_int_equal(store_reset_secret(store, secret), 0);
	assert_int_equal(store_reset_secret(other, again), 0);
	assert_memory_equal(secret, again, sizeof secret);
	store_close(other);
	assert_false(file_holds(copy_path, gone.route, sizeof gone.route));
	assert_false(file_holds(copy_path, early.route, sizeof early.route));
	assert_false(file_holds(copy_path, uncommitted.route, sizeof uncommitted.route));
	early = numbered(6);
	assert_true(file_holds(copy_path, early.route, sizeof early.route));
}

static void nothing_is_overwritten(void **state)
{
	struct store_copy *copy;
	const int fd = open(copy_path, O_WRONLY | O_CREAT, 0600);

	(void)state;
	close(fd);
	assert_int_equal(store_copy_begin(store, copy_path, &copy, error), -EEXIST);
	assert_null(copy);
	assert_non_null(strstr(error, copy_path));
}

static void a_damaged_store_is_found(void **state)
{
	struct store_device device = device_of(1);
	struct store_copy *copy;
	uint8_t page[4096];

	(void)state;
	assert_int_equal(store_device_add(store, &device), 0);
	add(0, ROUTES);
	assert_int_equal(store_copy_begin(store, copy_path, &copy, error), 0);
	while (store_copy_step(copy, error) == 1)
		;
	store_copy_end(copy);
	assert_int_equal(store_check(copy_dir, error), 0);
	const int fd = open(copy_path, O_RDWR);
	/* A page in the middle takes another one's place. */
	assert_int_equal(pread(fd, page, sizeof page, 100 * (off_t)sizeof page), sizeof page);
	assert_int_equal(pwrite(fd, page, sizeof page, 50 * (off_t)sizeof page), sizeof page);
	close(fd);
	assert_int_equal(store_check(copy_dir, error), -EBADMSG);
	assert_non_null(strstr(error, "damaged"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_meanwhile_is_in_it),
		TEST(nothing_is_overwritten),
		TEST(a_damaged_store_is_found),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
