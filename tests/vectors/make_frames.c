/* Prints tests/vectors/frames.json. Run it after a change of the wire format and say in the commit
 * what changed: ninja -C build tests/unit/src/make_frames &&
 * build/tests/unit/src/make_frames >tests/vectors/frames.json */
#include "tests/vectors/frames.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { BYTES_MAX = 2048 };

static void print(
	void *context, const char *name, const char *what, const uint8_t *bytes, size_t len)
{
	const char **separator = context;
	char hex[BYTES_MAX * 2 + 1];
	printf("%s\n    {\n      \"name\": \"%s\",\n      \"what\": \"%s\",\n"
	       "      \"hex\": \"%s\"\n    }",
		*separator, name, what, sodium_bin2hex(hex, sizeof hex, bytes, len));
	*separator = ",";
}

int main(void)
{
	const char *separator = "";
	const struct frames_sink sink = { print, &separator };
	if (sodium_init() < 0)
		return 1;
	printf("{\n  \"origin\": \"Chappe, wire format version 1: one of every frame with fixed "
	       "keys; made by tests/vectors/make_frames.c; see docs/protocol.md\",\n"
	       "  \"frames\": [");
	int result = frames_make(&sink);
	printf("\n  ]\n}\n");
	if (result)
		fprintf(stderr, "make_frames: %s\n", strerror(-result));
	return result != 0;
}
