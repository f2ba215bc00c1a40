/* The drawing is read back half block by half block and compared with what libqrencode encoded. */
#include "src/qr.h"
#include "testing.h"
#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>

enum { SIDE_MAX = 200, QUIET = 4 };

/* Reads the drawing into light[y][x]; returns the modules in a line. */
static size_t read_back(const char *drawn, bool light[SIDE_MAX][SIDE_MAX], size_t *lines)
{
	size_t x = 0, y = 0, width = 0;
	for (; *drawn; y += 2, drawn++) {
		for (x = 0; *drawn != '\n'; x++) {
			bool upper = false, lower = false;
			if (strncmp(drawn, "\u2588", 3) == 0)
				upper = lower = true;
			else if (strncmp(drawn, "\u2580", 3) == 0)
				upper = true;
			else if (strncmp(drawn, "\u2584", 3) == 0)
				lower = true;
			else
				assert_int_equal(*drawn, ' ');
			light[y][x] = upper;
			light[y + 1][x] = lower;
			drawn += *drawn == ' ' ? 1 : 3;
		}
		assert_true(width == 0 || width == x);
		width = x;
	}
	*lines = y;
	return width;
}

static void shows_the_code_in_its_quiet_zone(void **state)
{
	(void)state;
	static bool light[SIDE_MAX][SIDE_MAX];
	const char *texts[] = { "a", "chappe:contact/AYEWcmVsYXkuZXhhbXBsZS5vcmc6NDQ2MIIg", NULL };
	char longer[600];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	texts[2] = longer;
	for (size_t i = 0; i < 3; i++) {
		char *drawn = qr_text(texts[i]);
		QRcode *code = QRcode_encodeString8bit(texts[i], 0, QR_ECLEVEL_M);
		size_t lines, side = read_back(drawn, light, &lines), code_side;
		assert_non_null(code);
		code_side = (size_t)code->width;
		assert_int_equal(side, code_side + 2 * QUIET);
		assert_in_range(lines, side, side + 1);
		for (size_t y = 0; y < lines; y++)
			for (size_t x = 0; x < side; x++) {
				bool inside = x >= QUIET && y >= QUIET && x < QUIET + code_side &&
					      y < QUIET + code_side;
				bool dark = inside &&
					    code->data[(y - QUIET) * code_side + x - QUIET] & 1;
				assert_int_equal(light[y][x], !dark);
			}
		QRcode_free(code);
		free(drawn);
	}
}

static void refuses_what_fits_no_code(void **state)
{
	(void)state;
	char endless[4000];
	memset(endless, 'x', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	assert_null(qr_text(endless));
	assert_int_equal(errno, ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_the_code_in_its_quiet_zone),
		cmocka_unit_test(refuses_what_fits_no_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
