#include "src/message/window.h"

static uint64_t *word(struct window *window, uint64_t number)
{
	return &window->bits[number % MESSAGE_WINDOW / 64];
}

static bool marked(const struct window *window, uint64_t number)
{
	return window->bits[number % MESSAGE_WINDOW / 64] >> number % 64 & 1;
}

bool window_has(const struct window *window, uint64_t number)
{
	return number < window->base || (window_reaches(window, number) && marked(window, number));
}

/* Moves base past what is marked. */
static void settle(struct window *window)
{
	while (marked(window, window->base)) {
		*word(window, window->base) &= ~(UINT64_C(1) << window->base % 64);
		window->base++;
	}
}

void window_mark(struct window *window, uint64_t number)
{
	if (number < window->base)
		return;
	*word(window, number) |= UINT64_C(1) << number % 64;
	settle(window);
}

void window_advance(struct window *window, uint64_t floor)
{
	if (floor <= window->base)
		return;
	if (floor - window->base >= MESSAGE_WINDOW)
		memset(window->bits, 0, sizeof window->bits);
	else
		for (uint64_t n = window->base; n < floor; n++)
			*word(window, n) &= ~(UINT64_C(1) << n % 64);
	window->base = floor;
	settle(window);
}

bool window_ok(const struct window *window)
{
	return window->base > 0 && !marked(window, window->base);
}
