#include "src/device/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { BYTES_MAX = 64 };

void device_text_add(struct device_text *out, const char *name, const char *value)
{
	size_t room = sizeof out->text - out->len;
	int n = snprintf(out->text + out->len, room, "%s %s\n", name, value);

	if (n < 0 || (size_t)n >= room)
		out->full = true;
	else
		out->len += (size_t)n;
}

void device_text_add_number(struct device_text *out, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	device_text_add(out, name, text);
}

void device_text_add_bytes(
	struct device_text *out, const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * BYTES_MAX + 1];

	if (len > BYTES_MAX) {
		out->full = true;
		return;
	}
	sodium_bin2hex(hex, sizeof hex, bytes, len);
	device_text_add(out, name, hex);
	sodium_memzero(hex, sizeof hex);
}

bool device_text_get(
	const struct device_text *in, const char *name, unsigned int nth, char *value, size_t size)
{
	const char *line = in->text, *end = in->text + in->len;
	size_t name_len = strlen(name);

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);
		bool match = len > name_len && line[name_len] == ' ' &&
			     memcmp(line, name, name_len) == 0;
		if (match && nth-- == 0) {
			size_t value_len = len - name_len - 1;
			if (value_len >= size)
				return false;
			memcpy(value, line + name_len + 1, value_len);
			value[value_len] = '\0';
			return true;
		}
		line += len + 1;
	}
	return false;
}

bool device_text_get_number(const struct device_text *in, const char *name, uint64_t *value)
{
	char text[24];
	uint64_t number = 0;

	if (!device_text_get(in, name, 0, text, sizeof text) || !text[0])
		return false;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9' || number > (UINT64_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint64_t)(*c - '0');
	}
	*value = number;
	return true;
}

bool device_text_get_bytes(
	const struct device_text *in, const char *name, uint8_t *bytes, size_t len)
{
	char hex[2 * BYTES_MAX + 1];
	size_t got = 0;
	bool ok = len <= BYTES_MAX && device_text_get(in, name, 0, hex, sizeof hex) &&
		  sodium_hex2bin(bytes, len, hex, strlen(hex), NULL, &got, NULL) == 0 && got == len;

	sodium_memzero(hex, sizeof hex);
	if (!ok)
		sodium_memzero(bytes, len);
	return ok;
}
