#include "qr.h"
#include <errno.h>
#include <qrencode.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { QUIET_MODULES = 4, BLOCK_BYTES = 3 /* UTF-8 of U+2580, U+2584, U+2588 */ };

/* Outside the code, in the quiet zone, all is light. */
static bool is_light(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return true;
	return !(code->data[y * code->width + x] & 1);
}

static char *draw(const QRcode *code)
{
	int side = code->width + 2 * QUIET_MODULES, lines = (side + 1) / 2;
	char *text = malloc((size_t)lines * ((size_t)side * BLOCK_BYTES + 1) + 1), *out = text;
	/* by upper + 2 * lower half */
	static const char *const blocks[] = { " ", "\u2580", "\u2584", "\u2588" };

	if (!text)
		return NULL;
	for (int y = -QUIET_MODULES; y < code->width + QUIET_MODULES; y += 2) {
		for (int x = -QUIET_MODULES; x < code->width + QUIET_MODULES; x++)
			out = stpcpy(
				out, blocks[is_light(code, x, y) + 2 * is_light(code, x, y + 1)]);
		*out++ = '\n';
	}
	*out = '\0';
	return text;
}

char *qr_text(const char *text)
{
	/* Medium correction: a link on a screen is read without scratches; low would do. */
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	if (!code)
		return NULL; /* errno as libqrencode sets it: ERANGE, ENOMEM */
	char *drawn = draw(code);
	sodium_memzero(code->data, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
	if (!drawn)
		errno = ENOMEM;
	return drawn;
}
