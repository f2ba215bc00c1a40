/* chappe-loadgen: the process. One thread does everything, by turns. */
#include "pcap.h"
#include "trial.h"
#include "value.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROGRESS_S = 1, STDIN_PAUSE_MS = 1, EXIT_TROUBLE = 1, EXIT_USAGE = 2, EXIT_WRONG = 3 };

static const char cpu_word[] = "cpu-of ";
static struct load load;

static void on_signal(int number)
{
	(void)number;
	__atomic_store_n(&load.stopped, true, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&load.stopped, __ATOMIC_RELAXED);
}

static void turn(void)
{
	load.now = rte_rdtsc();
	port_receive(&load);
	devices_turn(&load);
}

/* What the relay said to those who have no session. */
static int say_not_connected(void)
{
	uint32_t counts[256] = { 0 };

	for (uint32_t i = 0; i < load.device_count; i++)
		counts[load.devices[i].status]++;
	fprintf(stderr,
		"chappe-loadgen: %u of %u devices have a session and a route after %u s; refused: "
		"revoked %u, relay full %u, stale attempt %u, invitation used or expired %u\n",
		load.ready, load.device_count, load.options.connect_s, counts[WIRE_STATUS_REVOKED],
		counts[WIRE_STATUS_FULL], counts[WIRE_STATUS_STALE_ATTEMPT],
		counts[WIRE_STATUS_INVITATION_USED]);
	return -1;
}

static int connect_devices(void)
{
	const uint64_t start = rte_rdtsc();
	uint64_t told = start;

	while (load.ready < load.device_count && load.ready + load.refused < load.device_count &&
		!stopped() && load.now < start + load.options.connect_s * load.hz) {
		turn();
		if (!load.options.quiet && load.now - told > PROGRESS_S * load.hz) {
			told = load.now;
			fprintf(stderr, "%u of %u devices are connected\n", load.ready,
				load.device_count);
		}
	}
	if (enrol_save(&load) < 0)
		return -1;
	if (load.ready < load.device_count)
		return say_not_connected();
	if (!load.options.quiet)
		fprintf(stderr, "%u devices are connected: %.1f s\n", load.device_count,
			(double)(load.now - start) / (double)load.hz);
	return 0;
}

/* Frames that came back wrong: the relay, or the way to it, is at fault. */
static uint64_t wrong(const struct trial *trial)
{
	const struct load_counts *now = &load.counts, *before = &trial->before;

	return trial->duplicated + now->bad_tag - before->bad_tag + now->bad_counter -
	       before->bad_counter + now->bad_inner - before->bad_inner + now->bad_place -
	       before->bad_place;
}

static void run(struct trial *trial, const struct trial_plan *plan)
{
	trial_begin(&load, trial, plan);
	uint64_t told = trial->start;
	while (load.now = rte_rdtsc(), trial_turn(&load, trial)) {
		port_receive(&load);
		devices_turn(&load);
		if (!load.options.quiet && load.now - told > PROGRESS_S * load.hz) {
			told = load.now;
			report_progress(&load, trial);
		}
	}
}

/* A line of standard input, while sessions are kept. False at its end. */
static bool next_line(char *line, size_t len)
{
	static char text[4096];
	static size_t used;
	uint64_t next = 0;

	while (!stopped()) {
		char *end = memchr(text, '\n', used);
		if (end != NULL) {
			*end = '\0';
			snprintf(line, len, "%.*s", (int)len - 1, text);
			used -= (size_t)(end + 1 - text);
			memmove(text, end + 1, used);
			return true;
		}
		turn();
		struct pollfd in = { .fd = 0, .events = POLLIN };
		if (load.now < next || poll(&in, 1, 0) <= 0) {
			next = load.now < next ? next : load.now + load_ms(&load, STDIN_PAUSE_MS);
			continue;
		}
		const ssize_t n = read(0, text + used, sizeof text - used);
		if (n <= 0 || (size_t)n + used == sizeof text)
			return false;
		used += (size_t)n;
	}
	return false;
}

static bool next_plan(struct trial_plan *plan)
{
	char line[256], rate[32];

	while (next_line(line, sizeof line)) {
		*plan = (struct trial_plan){ .cell = load.options.cell,
			.in_flight = load.options.in_flight };
		if (strncmp(line, cpu_word, strlen(cpu_word)) == 0 &&
			value_pids(line + strlen(cpu_word), OPTIONS_PIDS_MAX, load.options.cpu_of,
				&load.options.cpu_count))
			continue;
		if (sscanf(line, "%31s %lf %u %u", rate, &plan->duration_s, &plan->cell,
			    &plan->in_flight) >= 2 &&
			value_rate(rate, &plan->rate) &&
			(plan->cell == WIRE_SMALL_BYTES || plan->cell == WIRE_LARGE_BYTES))
			return true;
		fprintf(stderr,
			"chappe-loadgen: '%s' is no trial: RATE SECONDS [512|1232 "
			"[IN-FLIGHT]]\n",
			line);
	}
	return false;
}

static int write_json(const struct trial *trial)
{
	char *text = report_json(&load, trial);
	const bool to_stdout = load.options.json == NULL || strcmp(load.options.json, "-") == 0;
	FILE *file = to_stdout ? stdout : fopen(load.options.json, "we");

	if (file != NULL && text != NULL)
		fprintf(file, "%s\n", text);
	free(text);
	if (file == NULL || fflush(file) != 0) {
		fprintf(stderr, "chappe-loadgen: %s: %s\n", load.options.json, strerror(errno));
		return EXIT_TROUBLE;
	}
	if (!to_stdout)
		fclose(file);
	return 0;
}

static int trials_from_stdin(struct trial *trial)
{
	struct trial_plan plan;
	int status = 0;

	while (status == 0 && next_plan(&plan)) {
		run(trial, &plan);
		if (write_json(trial) != 0)
			status = EXIT_TROUBLE;
		else if (wrong(trial) > 0)
			status = EXIT_WRONG;
		trial_end(&load, trial);
	}
	return status;
}

static int one_trial(struct trial *trial)
{
	const struct trial_plan plan = { load.options.rate, load.options.duration_s,
		load.options.cell, load.options.in_flight };
	uint64_t repeated = 0;

	run(trial, &plan);
	report_print(&load, trial);
	int status = load.options.json ? write_json(trial) : 0;
	if (wrong(trial) > 0)
		status = EXIT_WRONG;
	if (load.options.repeat_check)
		repeated = trial_repeat(&load, trial);
	trial_end(&load, trial);
	if (repeated > 0) {
		fprintf(stderr, "chappe-loadgen: %lu repeated frames came back: no replay check?\n",
			repeated);
		status = EXIT_WRONG;
	}
	return status;
}

static int work(void)
{
	static struct trial trial;

	if (port_open(&load) < 0)
		return EXIT_TROUBLE;
	int status = EXIT_TROUBLE;
	if (port_find_relay(&load) == 0 && connect_devices() == 0)
		status = load.options.trials ? trials_from_stdin(&trial) : one_trial(&trial);
	port_close(&load);
	return status;
}

static int choose_suite(void)
{
	const uint32_t suites = aead_suites(&load.aead);

	if (load.options.suite == 0)
		load.options.suite = (suites & 1u << WIRE_SUITE_AES256GCM) != 0
					     ? WIRE_SUITE_AES256GCM
					     : WIRE_SUITE_CHACHA20POLY1305;
	if ((suites & 1u << load.options.suite) != 0)
		return 0;
	fprintf(stderr, "chappe-loadgen: this machine lacks the instructions of the suite\n");
	return -1;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const int result = options_parse(argc, argv, &load.options);

	if (result != 0)
		return result < 0 ? EXIT_USAGE : 0;
	if (sodium_init() < 0 || aead_init(&load.aead) < 0 || choose_suite() < 0)
		return EXIT_TROUBLE;
	if (load.options.pcap)
		return pcap_write(&load.options) < 0 ? EXIT_TROUBLE : 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	randombytes_buf(&load.random, sizeof load.random);
	load.random |= 1;
	const int status = enrol_load(&load) < 0 ? EXIT_USAGE : work();
	enrol_wipe(&load);
	aead_fini(&load.aead);
	return status;
}
