/* What a device stores about itself and its contacts: lines of a name, a space and a value. Bytes
 * are hexadecimal. Names not known are ignored, so that a later version may add some. */
#ifndef CHAPPE_DEVICE_TEXT_H
#define CHAPPE_DEVICE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEVICE_TEXT_BYTES = 8192 };

struct device_text {
	size_t len;
	bool full; /* something did not fit */
	char text[DEVICE_TEXT_BYTES];
};

void device_text_add(struct device_text *out, const char *name, const char *value);
void device_text_add_number(struct device_text *out, const char *name, uint64_t value);
void device_text_add_bytes(
	struct device_text *out, const char *name, const uint8_t *bytes, size_t len);

/* The nth value, from 0, of name goes to value with a terminating zero. False where there is none
 * or it does not fit. */
bool device_text_get(
	const struct device_text *in, const char *name, unsigned int nth, char *value, size_t size);
/* False also where the value is no number, or not len bytes. */
bool device_text_get_number(const struct device_text *in, const char *name, uint64_t *value);
bool device_text_get_bytes(
	const struct device_text *in, const char *name, uint8_t *bytes, size_t len);

#endif
