/* When a message arrived, and under which epoch it lies, from its number alone: both only ever
 * change from one number to a higher one. 16 bytes a minute in which something came. */
#ifndef CHAPPE_STORE_CALENDAR_H
#define CHAPPE_STORE_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

struct calendar_page {
	uint64_t first; /* number */
	uint32_t minute, epoch;
};

struct calendar {
	struct calendar_page *pages;
	size_t count, room;
};

/* Numbers ascend. A minute before that of the last page counts as that one: clocks go back. Returns
 * 0 or -ENOMEM. */
int calendar_add(struct calendar *calendar, uint64_t number, uint32_t minute, uint32_t epoch);
/* The page of a number that was added. */
struct calendar_page calendar_of(const struct calendar *calendar, uint64_t number);
/* Forgets pages of minutes before this one. */
void calendar_forget(struct calendar *calendar, uint32_t minute);
void calendar_free(struct calendar *calendar);

#endif
