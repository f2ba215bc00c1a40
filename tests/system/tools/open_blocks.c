/* Looks in the raw blocks of a disk for what chappe-store has sealed for known routes, with a key
 * of its. Knows of the disk's format only that records are sealed with AES-256-GCM under a nonce of
 * a kind and the message's number, and where in a record the route stands: it computes what a route
 * looks like when it is sealed, for each kind and number, and searches for that at every byte.
 *
 * usage: open_blocks BLOCKS KEY-FILE NUMBERS ROUTE...
 *
 * Messages have the numbers below NUMBERS; routes are in hexadecimal digits. Prints how many cells
 * and how many entries of the index it found, "N cells, N entries". */
#include "src/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/aes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KEY_BYTES = 32,
	KINDS = 4,
	/* Where the route stands in what is sealed: in an entry first; in a cell behind the minute
	 * of its arrival and what the inner header has before it. */
	IN_ENTRY = 0,
	IN_CELL = 4 + offsetof(struct wire_inner, route),
	STREAM_BYTES = 3 * AES_BLOCK_SIZE,
	FIRST_BITS = 16,
};

struct needle {
	uint8_t bytes[WIRE_ROUTE_BYTES];
	int place; /* IN_ENTRY, IN_CELL */
};

static struct needle *needles;
static size_t needles_used;
static bool begins[1 << FIRST_BITS]; /* two bytes with which a needle begins */
static unsigned long cells, entries;

static void end(const char *what)
{
	fprintf(stderr, "open_blocks: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint16_t first_bits(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void add(const uint8_t *stream, const uint8_t *route, int place)
{
	struct needle *needle = &needles[needles_used++];

	needle->place = place;
	for (size_t i = 0; i < WIRE_ROUTE_BYTES; i++)
		needle->bytes[i] = stream[(size_t)place + i] ^ route[i];
	begins[first_bits(needle->bytes)] = true;
}

/* GCM encrypts with a counter that is 2 for the first block. */
static void make_stream(
	const struct aes256_ctx *cipher, uint32_t kind, uint64_t number, uint8_t *stream)
{
	struct {
		le32 kind;
		le64 number;
		uint8_t count[4];
	} counter = { put32(kind), put64(number), { 0 } };
	_Static_assert(sizeof counter == AES_BLOCK_SIZE, "packed");

	for (uint32_t block = 0; block < STREAM_BYTES / AES_BLOCK_SIZE; block++) {
		counter.count[3] = (uint8_t)(2 + block);
		aes256_encrypt(cipher, AES_BLOCK_SIZE, stream + block * AES_BLOCK_SIZE,
			(const uint8_t *)&counter);
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, WIRE_ROUTE_BYTES);
}

static void make_needles(const char *key_path, unsigned long numbers, char **routes, int count)
{
	uint8_t key[KEY_BYTES], stream[STREAM_BYTES], route[WIRE_ROUTE_BYTES];
	struct aes256_ctx cipher;
	FILE *file = fopen(key_path, "r");

	if (!file || fread(key, 1, sizeof key, file) != sizeof key)
		end(key_path);
	fclose(file);
	aes256_set_encrypt_key(&cipher, key);
	needles = calloc(KINDS * numbers * 2 * (size_t)count, sizeof *needles);
	if (!needles)
		end("needles");
	for (int i = 0; i < count; i++) {
		if (sodium_hex2bin(route, sizeof route, routes[i], strlen(routes[i]), NULL, NULL,
			    NULL) != 0)
			end(routes[i]);
		for (uint32_t kind = 0; kind < KINDS; kind++)
			for (uint64_t number = 0; number < numbers; number++) {
				make_stream(&cipher, kind, number, stream);
				add(stream, route, IN_ENTRY);
				add(stream, route, IN_CELL);
			}
	}
	qsort(needles, needles_used, sizeof *needles, compare);
}

static void search(const uint8_t *blocks, size_t len)
{
	for (size_t at = 0; at + WIRE_ROUTE_BYTES <= len; at++) {
		if (!begins[first_bits(blocks + at)])
			continue;
		const struct needle *found =
			bsearch(blocks + at, needles, needles_used, sizeof *needles, compare);
		if (found && found->place == IN_CELL)
			cells++;
		else if (found)
			entries++;
	}
}

int main(int argc, char **argv)
{
	struct stat status;

	if (argc < 5) {
		fputs("usage: open_blocks BLOCKS KEY-FILE NUMBERS ROUTE...\n", stderr);
		return 2;
	}
	make_needles(argv[2], strtoul(argv[3], NULL, 10), argv + 4, argc - 4);
	const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0)
		end(argv[1]);
	const size_t len = (size_t)status.st_size;
	const uint8_t *blocks = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (blocks == MAP_FAILED)
		end(argv[1]);
	search(blocks, len);
	printf("%lu cells, %lu entries\n", cells, entries);
	free(needles);
	return 0;
}
