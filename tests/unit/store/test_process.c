/* The program itself, with the dataplane's side in this process: killed at random, ended, on a disk
 * that is full or turns read-only. Whatever it acknowledged is delivered, whole and in order. */
#include "files.h"
#include "relay.h"

#include "store/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SMALL = 480,
	LARGE = 1200,
	WORKERS = 2,
	ROUTES = 8,     /* route n leads to device n */
	FRAMES = 60000, /* at most, numbered from 1 on; number n goes to route n % ROUTES */
	LIMIT_S = 60,   /* for anything to happen */
};

static struct relay relay;
static pid_t program;
static char run_directory[32], config[64];
static bool mounted;
static uint64_t sent; /* frames */
static uint8_t accepted[FRAMES + 1], delivered[FRAMES + 1];

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	char text[512];

	strcpy(run_directory, "/tmp/chappe-run-XXXXXX");
	if (sodium_init() < 0 || files_make(state) != 0 || !mkdtemp(run_directory))
		return -1;
	program = -1;
	mounted = false;
	sent = 0;
	memset(accepted, 0, sizeof accepted);
	memset(delivered, 0, sizeof delivered);
	snprintf(config, sizeof config, "%s/config", run_directory);
	snprintf(text, sizeof text,
		"[store]\ndir = %s/store\n[dataplane]\nrun_dir = %s\n[process]\nuser = none\n",
		files_directory, run_directory);
	write_text(config, text);
	relay_listen(&relay, run_directory);
	return 0;
}

static int end_program(int signal)
{
	int status = 0;

	if (program < 0)
		return 0;
	if (signal)
		kill(program, signal);
	assert_int_equal(waitpid(program, &status, 0), program);
	program = -1;
	return status;
}

static int teardown(void **state)
{
	(void)end_program(SIGKILL);
	relay_close(&relay);
	if (mounted)
		files_unmount();
	(void)unlink(config);
	char path[64]; /* of who was killed */
	snprintf(path, sizeof path, "%s/store-admin.sock", run_directory);
	(void)unlink(path);
	(void)rmdir(run_directory);
	return files_remove(state);
}

/* Instead of this process. The leak check of a sanitizer, which stops the others at the end, is not
 * allowed in a confined one, and would wait for ever. */
static void become_program(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char all[512];

	snprintf(all, sizeof all, "%s:detect_leaks=0", options ? options : "");
	setenv("ASAN_OPTIONS", all, 1);
	execl(STORE_PROGRAM, STORE_PROGRAM, "--config", config, (char *)NULL);
	_exit(127);
}

static void start_program(void)
{
	program = fork();
	assert_true(program >= 0);
	if (program == 0) {
		const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (!getenv("VERBOSE"))
			dup2(quiet, STDERR_FILENO);
		become_program();
	}
	const uint64_t until_us = clock_us() + LIMIT_S * UINT64_C(1000000);
	while (!relay_accept(&relay, WORKERS) && clock_us() < until_us)
		usleep(1000);
	while (!relay_is_ready(&relay) && clock_us() < until_us)
		usleep(1000);
	assert_true(clock_us() < until_us);
	relay_event(&relay, SHARE_RESYNC, 0, 0);
}

static uint32_t length_of(uint64_t number)
{
	return number % 3 ? SMALL : LARGE;
}

/* What the program says; delivered frames are received where `receive` says so. */
static void listen_once(bool receive)
{
	struct share_down record;

	while (relay_take(&relay, &record)) {
		const uint64_t number = relay_frame_id(&record), route = relay_route(&record);
		uint8_t cell[LARGE];
		if (record.kind == SHARE_RESOLVE) {
			relay_event(&relay, SHARE_RESOLVED, (uint32_t)route, route);
			continue;
		}
		assert_in_range(number, 1, sent);
		assert_int_equal(route, number % ROUTES);
		if (record.kind == SHARE_SEND) {
			assert_int_equal(record.index, number);
			accepted[number] = 1;
			continue;
		}
		relay_cell(cell, length_of(number), WIRE_STORED, route, number);
		assert_int_equal(record.len, length_of(number));
		assert_memory_equal(record.frame, cell, record.len);
		if (!delivered[number]) /* in order: all that come first the first time */
			for (uint64_t later = number + ROUTES; later <= sent; later += ROUTES)
				assert_false(delivered[later]);
		delivered[number] = 1;
		if (receive)
			relay_received(&relay, 0, (uint32_t)route, route, number);
	}
	relay_ring(&relay);
}

/* Offers frames, as many as the rings take, until it is full or there are enough. */
static void send_frames(uint64_t count)
{
	while (count-- > 0 && sent < FRAMES) {
		const uint64_t number = sent + 1;
		if (!relay_stored(&relay, (uint32_t)(number % WORKERS), (uint32_t)(number % ROUTES),
			    (uint32_t)number, number % ROUTES, number, length_of(number)))
			break;
		sent++;
	}
	relay_ring(&relay);
}

static uint64_t count(const uint8_t *what)
{
	uint64_t n = 0;

	for (uint64_t number = 1; number <= sent; number++)
		n += what[number];
	return n;
}

static void all_online(void)
{
	for (uint32_t device = 0; device < ROUTES; device++)
		assert_true(relay_event(&relay, SHARE_ONLINE, device, 0));
	relay_ring(&relay);
}

static bool all_accepted_are_delivered(void)
{
	for (uint64_t number = 1; number <= sent; number++)
		if (accepted[number] && !delivered[number])
			return false;
	return true;
}

static void assert_all_is_delivered(void)
{
	const uint64_t until_us = clock_us() + LIMIT_S * UINT64_C(1000000);

	all_online();
	while (!all_accepted_are_delivered() && clock_us() < until_us) {
		listen_once(true);
		usleep(500);
	}
	for (uint64_t number = 1; number <= sent; number++)
		if (accepted[number] && !delivered[number])
			fail_msg("frame %u of %u was acknowledged and is lost", (unsigned)number,
				(unsigned)sent);
}

static void killed_at_random_it_loses_nothing(void **state)
{
	(void)state;
	for (int round = 0; round < 12; round++) {
		start_program();
		const uint64_t kill_us = clock_us() + randombytes_uniform(150000);
		if (round % 3 == 2)
			all_online();
		/* Each round has frames of its own: of those before, a kill may have taken all. */
		const uint64_t last = FRAMES / 24 * ((unsigned)round + 1);
		while (clock_us() < kill_us || count(accepted) < 50U * (unsigned)round) {
			send_frames(last - sent < 100 ? last - sent : 100);
			listen_once(round % 2);
			usleep(500);
		}
		const int status = end_program(SIGKILL);
		assert_true(WIFSIGNALED(status));
		listen_once(false); /* what it said before */
	}
	assert_true(count(accepted) > 500);
	start_program();
	assert_all_is_delivered();
}

/* SIGTERM: what was taken is committed, and said so. */
static void it_ends_cleanly(void **state)
{
	(void)state;
	start_program();
	send_frames(3000);
	while (count(accepted) == 0)
		listen_once(false);
	send_frames(3000);
	const int status = end_program(SIGTERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	listen_once(false);
	start_program();
	assert_all_is_delivered();
}

static void listen_for(uint64_t us, bool receive)
{
	const uint64_t until_us = clock_us() + us;

	while (clock_us() < until_us) {
		listen_once(receive);
		usleep(500);
	}
}

/* Until nothing more is accepted for a second. */
static void fill_disk(void)
{
	uint64_t last = 0, last_us = clock_us();

	while (clock_us() < last_us + 1000000 && sent < FRAMES) {
		if (sent < last + 3000)
			send_frames(200);
		listen_once(false);
		const uint64_t now = count(accepted);
		if (now > last)
			last_us = clock_us();
		last = now;
		usleep(2000);
	}
	assert_true(last > 1000);
	assert_true(sent < FRAMES);
}

/* The disk writes again: the program ends by itself, with the status for that. */
static void assert_ends_to_start_anew(void)
{
	const int status = end_program(0);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 75);
}

static void limits_without_a_reserve(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/store", files_directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/store/limits", files_directory);
	write_text(path, "[limits]\nroute_frames = 100000\nroute_bytes = 1000000000\n"
			 "device_frames = 100000\ndevice_bytes = 1000000000\n"
			 "disk_free_bytes = 0\n");
}

/* The store's directory on a file system of its own. */
static bool mount_anew(const char *size)
{
	mounted = files_mount(size);
	if (mounted)
		limits_without_a_reserve();
	return mounted;
}

static void full_disk_loses_nothing(void **state)
{
	(void)state;
	if (!mount_anew("24m"))
		skip();
	start_program();
	fill_disk();
	const uint64_t before = count(delivered);
	all_online();
	listen_for(500000, false); /* what waits is delivered all the same */
	assert_true(count(delivered) > before);
	(void)end_program(SIGKILL);
	listen_once(false);
	start_program(); /* on a disk that is still full */
	all_online();
	listen_for(500000, false);
	files_limit("200m", false);
	assert_ends_to_start_anew();
	start_program();
	assert_all_is_delivered();
	const uint64_t earlier = count(accepted);
	send_frames(10);
	while (count(accepted) < earlier + 10)
		listen_once(true);
}

static void take_away(const char *path, void *arg)
{
	(void)arg;
	assert_int_equal(unlink(path), 0);
}

static void turn_read_only(bool damage_index)
{
	if (!mount_anew("200m"))
		skip();
	start_program();
	send_frames(2000);
	while (count(accepted) < 2000)
		listen_once(false);
	/* A file system with files open for writing can't be remounted: errors of a disk do that by
	 * force. The next start finds it read-only. */
	(void)end_program(SIGKILL);
	if (damage_index)
		files_each("CURRENT", take_away, NULL);
	files_limit("200m", true);
	start_program();
	send_frames(100);
	all_online();
	listen_for(500000, false);
	assert_true(count(delivered) > 0);
	assert_true(count(accepted) == 2000);
	files_limit("200m", false);
	assert_ends_to_start_anew();
	start_program();
	assert_all_is_delivered();
}

static void disk_that_turns_read_only_loses_nothing(void **state)
{
	(void)state;
	turn_read_only(false);
}

static void damaged_index_on_a_read_only_disk_loses_nothing(void **state)
{
	(void)state;
	turn_read_only(true);
}

/* What it is run with, and the status it ends with; and a part of what it says. */
static void assert_refuses(const char *text, int status, const char *says)
{
	char output[2048] = "";
	int ends[2], ended;

	write_text(config, text);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		become_program();
	}
	close(ends[1]);
	size_t len = 0;
	for (ssize_t got; len < sizeof output - 1 &&
			  (got = read(ends[0], output + len, sizeof output - 1 - len)) > 0;)
		len += (size_t)got;
	close(ends[0]);
	waitpid(child, &ended, 0);
	assert_true(WIFEXITED(ended));
	if (WEXITSTATUS(ended) != status || !strstr(output, says))
		fail_msg("status %d, expected %d and \"%s\": %s", WEXITSTATUS(ended), status, says,
			output);
}

static void it_says_what_is_wrong(void **state)
{
	char text[512];

	(void)state;
	assert_refuses("[store]\ndri = /x\n", 2, "config:2: [store] dri is no setting");
	assert_refuses("[store]\ndir = x\n", 2, "must be whole paths");
	assert_refuses("[store]\ndir = /a\ndir = /b\n", 2, "config:3: dir is set twice");
	assert_refuses("[process]\nuser =\n", 2, "config:2: user is empty");
	assert_refuses("[process]\nuser = nobody-of-that-name\n", 1, "no user nobody-of-that-name");
	assert_refuses("what\n", 2, "config:1: neither [section] nor name = value");
	snprintf(text, sizeof text,
		"[store]\ndir = %s/store\n[dataplane]\nrun_dir = %s/none\n[process]\nuser = none\n",
		files_directory, run_directory);
	assert_refuses(text, 1, "none/store-admin.sock: No such file or directory");
	snprintf(text, sizeof text,
		"[store]\ndir = %s\n[dataplane]\nrun_dir = %s\n[process]\nuser = none\n", config,
		run_directory);
	assert_refuses(text, 1, "config: Not a directory");
	/* In use: by another socket's process, and by the lock of the messages. */
	snprintf(text, sizeof text,
		"[store]\ndir = %s/store\n[dataplane]\nrun_dir = %s\n[process]\nuser = none\n",
		files_directory, run_directory);
	write_text(config, text);
	start_program();
	assert_refuses(text, 1, "is a chappe-store running?");
	snprintf(text, sizeof text, "%s/run", files_directory);
	assert_int_equal(mkdir(text, 0700), 0);
	snprintf(text, sizeof text,
		"[store]\ndir = %s/store\n[dataplane]\nrun_dir = %s/run\n[process]\nuser = none\n",
		files_directory, files_directory);
	assert_refuses(text, 1, "another process has it open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(killed_at_random_it_loses_nothing),
		TEST(it_ends_cleanly),
		TEST(full_disk_loses_nothing),
		TEST(disk_that_turns_read_only_loses_nothing),
		TEST(damaged_index_on_a_read_only_disk_loses_nothing),
		TEST(it_says_what_is_wrong),
#undef TEST
	};
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
