/* Which message numbers of a contact are done: the high-water mark and bitmap that the recipient
 * keeps on disk, and that alone decide what is a duplicate. */
#ifndef CHAPPE_WINDOW_H
#define CHAPPE_WINDOW_H

#include "src/message/message.h"

struct window {
	uint64_t base;                      /* all numbers below are done; base itself is not */
	uint64_t bits[MESSAGE_WINDOW / 64]; /* number n, if in the window: bit n % MESSAGE_WINDOW */
};

/* Numbers from base up to base + MESSAGE_WINDOW - 1 can be told apart. */
static inline bool window_reaches(const struct window *window, uint64_t number)
{
	return number < window->base || number - window->base < MESSAGE_WINDOW;
}

bool window_has(const struct window *window, uint64_t number);

/* Marks a number that window_reaches() as done. */
void window_mark(struct window *window, uint64_t number);

/* Marks all numbers below floor as done. */
void window_advance(struct window *window, uint64_t floor);

/* False for a window that marking can't have made: base 0, or base marked. */
bool window_ok(const struct window *window);

#endif
