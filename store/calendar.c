#include "calendar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int calendar_add(struct calendar *calendar, uint64_t number, uint32_t minute, uint32_t epoch)
{
	const struct calendar_page *last =
		calendar->count ? &calendar->pages[calendar->count - 1] : NULL;

	if (last && minute < last->minute)
		minute = last->minute;
	if (last && last->minute == minute && last->epoch == epoch)
		return 0;
	if (!calendar->pages || calendar->count == calendar->room) {
		const size_t room = calendar->room ? 2 * calendar->room : 64;
		struct calendar_page *pages = realloc(calendar->pages, room * sizeof *pages);
		if (!pages)
			return -ENOMEM;
		calendar->pages = pages;
		calendar->room = room;
	}
	calendar->pages[calendar->count++] = (struct calendar_page){ number, minute, epoch };
	return 0;
}

struct calendar_page calendar_of(const struct calendar *calendar, uint64_t number)
{
	size_t low = 0, high = calendar->count;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;
		if (calendar->pages[middle].first <= number)
			low = middle;
		else
			high = middle;
	}
	return calendar->count ? calendar->pages[low] : (struct calendar_page){ 0 };
}

void calendar_forget(struct calendar *calendar, uint32_t minute)
{
	size_t gone = 0;

	while (gone + 1 < calendar->count && calendar->pages[gone].minute < minute)
		gone++;
	if (gone == 0 || (gone < 1024 && gone + 1 < calendar->count))
		return; /* nothing, or not worth the move */
	memmove(calendar->pages, calendar->pages + gone,
		(calendar->count - gone) * sizeof *calendar->pages);
	calendar->count -= gone;
}

void calendar_free(struct calendar *calendar)
{
	free(calendar->pages);
	memset(calendar, 0, sizeof *calendar);
}
