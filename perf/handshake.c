/* handshake: how many handshakes a second of CPU time chappe-control answers, init in to installed
 * session with its response out, against what the X25519 operations alone would allow. The time is
 * that of all of its threads, the kernel's part of both links included. Operations and handshakes
 * alternate; every response is opened with its device's key. */
#include "bench.h"
#include "control/store.h"
#include "links.h"
#include "relay.h"
#include "src/key.h"
#include "src/noise.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	DEVICES = 256,
	SLOTS = 65536,
	SCALARS = 4 /* es, ss, ee, se; and the ephemeral key from the base point */
};

struct device {
	struct noise_keypair key;
	uint8_t psk[WIRE_KEY_BYTES];
	uint64_t attempt;
	struct noise noise;
};

static struct device devices[DEVICES];
static struct noise_keypair relay_key;
static struct links links;
static struct punt_record inits[DEVICES];
static struct table_install installs[DEVICES];

static void enrol(const struct relay *relay)
{
	char path[RELAY_PATH_BYTES + 16], error[STORE_ERROR_BYTES];
	struct store *store;

	snprintf(path, sizeof path, "%s/%s", relay->dir, STORE_KEY_FILE);
	if (key_pair_load(path, &relay_key) < 0)
		bench_fail("%s: no key", path);
	if (store_open(relay->dir, &store, error) < 0)
		bench_fail("%s", error);
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct store_device device = {
			.slot = i,
			.created_s = 1,
			.limits = { STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT, STORE_LIMIT_DEFAULT },
		};
		noise_generate(&devices[i].key);
		randombytes_buf(devices[i].psk, sizeof devices[i].psk);
		memcpy(device.key, devices[i].key.public, sizeof device.key);
		memcpy(device.psk, devices[i].psk, sizeof device.psk);
		if (store_device_add(store, &device) < 0)
			bench_fail("device %u can't be enrolled", i);
	}
	if (store_commit(store) < 0)
		bench_fail("devices can't be enrolled");
	store_close(store);
}

/* The device's init, as its dataplane would punt it. */
static void make_init(uint32_t number, enum wire_suite suite)
{
	uint8_t prologue[16] = "chappe 1", payload[WIRE_INIT_PAYLOAD_BYTES] = { 0 };
	struct device *device = &devices[number];
	struct wire_init init = {
		.type = WIRE_INIT,
		.version = WIRE_VERSION,
		.suite = (uint8_t)suite,
		.sender_index = put32(number),
	};
	const struct wire_init_payload fields = { .attempt = put64(++device->attempt) };

	memcpy(prologue + 8, &init, 8);
	memcpy(payload, &fields, sizeof fields);
	if (noise_begin(&device->noise, NOISE_IKPSK2, (enum noise_cipher)suite, true, prologue,
		    sizeof prologue, &device->key, relay_key.public, device->psk) < 0 ||
		noise_write(&device->noise, payload, sizeof payload, init.noise) < 0)
		bench_fail("no init of suite %u on this machine", suite);
	inits[number] = (struct punt_record){
		.kind = PUNT_INIT,
		.len = sizeof init,
		.endpoint = { .family = 4 },
	};
	memcpy(inits[number].frame, &init, sizeof init);
}

/* The response opens, says ok, and gives the keys that the relay has. */
static void check(const struct table_install *install)
{
	const struct wire_response *response = (const struct wire_response *)install->response;
	uint8_t payload[WIRE_RESPONSE_PAYLOAD_BYTES];
	struct device *device = &devices[install->device];
	struct wire_response_payload answer;
	struct noise_keys keys;

	if (noise_read(&device->noise, response->noise, sizeof response->noise, payload) < 0)
		bench_fail("a response does not open");
	memcpy(&answer, payload, sizeof answer);
	noise_split(&device->noise, &keys);
	if (answer.status != WIRE_STATUS_OK || get32(answer.index) != install->index ||
		memcmp(keys.initiator_to_responder, install->receive_key, WIRE_KEY_BYTES) != 0 ||
		memcmp(keys.responder_to_initiator, install->send_key, WIRE_KEY_BYTES) != 0)
		bench_fail("a response is not that of its session");
}

static uint64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CPU time of the X25519 operations of as many handshakes. */
static uint64_t take_floor(void)
{
	uint8_t scalar[WIRE_KEY_BYTES], out[WIRE_KEY_BYTES];
	int failed = 0;

	randombytes_buf(scalar, sizeof scalar);
	bench_hold_core(true);
	const uint64_t start = thread_ns();
	for (uint32_t i = 0; i < DEVICES; i++) {
		crypto_scalarmult_base(out, scalar);
		for (uint32_t k = 0; k < SCALARS; k++)
			failed |= crypto_scalarmult(out, scalar, devices[i].key.public);
		scalar[8]++;
	}
	const uint64_t end = thread_ns();
	bench_hold_core(false);
	if (failed)
		bench_fail("X25519 fails");
	return end - start;
}

static uint64_t take_handshakes(const struct relay *relay, enum wire_suite suite)
{
	for (uint32_t i = 0; i < DEVICES; i++)
		make_init(i, suite);
	child_hold_cores(&relay->control, true);
	const uint64_t start = child_cpu_ns(&relay->control);
	links_collect(&links, inits, DEVICES, installs);
	const uint64_t end = child_cpu_ns(&relay->control);
	child_hold_cores(&relay->control, false);
	for (uint32_t i = 0; i < DEVICES; i++)
		check(&installs[i]);
	links_confirm(&links, installs, DEVICES);
	return end - start;
}

static void measure(const struct relay *relay, enum wire_suite suite, uint32_t pairs)
{
	double floors[BENCH_PAIRS_MAX], rates[BENCH_PAIRS_MAX], ratios[BENCH_PAIRS_MAX];
	const uint64_t main_before = child_main_cpu_ns(&relay->control);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < pairs; i++) {
		uint64_t floor = i % 2 == 0 ? take_floor() : 0;
		const uint64_t cpu = take_handshakes(relay, suite);
		if (floor == 0)
			floor = take_floor();
		floors[i] = DEVICES * 1e9 / (double)floor;
		rates[i] = DEVICES * 1e9 / (double)cpu;
		ratios[i] = (double)floor / (double)cpu;
		sum += cpu;
	}
	const double loop = (double)(child_main_cpu_ns(&relay->control) - main_before);
	const struct bench_figure figure = {
		.name = "handshake",
		.unit = "1/s",
		.cell = WIRE_SMALL_BYTES,
		.sessions = DEVICES,
		.workers = 1,
		.suite = suite,
		.value = bench_spread(rates, pairs).median,
		.floor = bench_spread(floors, pairs).median,
		.ratio = bench_spread(ratios, pairs),
		.pairs = pairs,
	};
	bench_print(&figure);
	fprintf(stderr,
		"     handshake %s: %5.0f / %5.0f per second of CPU = %.3f (%.3f to %.3f); event "
		"loop and links %.1f of %.1f us\n",
		bench_suite(suite), figure.value, figure.floor, figure.ratio.median,
		figure.ratio.low, figure.ratio.high, loop / pairs / DEVICES / 1e3,
		(double)sum / pairs / DEVICES / 1e3);
}

static uint32_t parse(int argc, char **argv)
{
	static const struct option known[] = { { "pairs", 1, NULL, 'p' }, { NULL, 0, NULL, 0 } };
	uint32_t pairs = 31;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		pairs = option == 'p' ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
	if (optind == argc && pairs > 0 && pairs <= BENCH_PAIRS_MAX)
		return pairs;
	fputs("options, with their defaults: --pairs 31\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const uint32_t pairs = parse(argc, argv);
	struct relay relay;

	if (sodium_init() < 0)
		bench_fail("libsodium does not start");
	relay_make(&relay, SLOTS, 1);
	enrol(&relay);
	links_listen(&links, relay.dir);
	relay_start_control(&relay);
	links_accept(&links, SLOTS);
	/* Memory of both ends is touched, the first time without being counted. */
	take_handshakes(&relay, WIRE_SUITE_CHACHA20POLY1305);
	measure(&relay, WIRE_SUITE_CHACHA20POLY1305, pairs);
	if (crypto_aead_aes256gcm_is_available())
		measure(&relay, WIRE_SUITE_AES256GCM, pairs);
	links_close(&links);
	relay_remove(&relay);
	return 0;
}
