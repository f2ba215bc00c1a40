#include "engine_private.h"

#include <errno.h>
#include <stdlib.h>

void *engine_list_add(struct engine_list *list, size_t bytes)
{
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 256;
		void *items = realloc(list->items, room * bytes);
		if (!items)
			return NULL;
		list->items = items;
		list->room = room;
	}
	return (char *)list->items + list->count++ * bytes;
}

static struct engine_batch *gathering(struct engine *engine)
{
	return &engine->batches[engine->gathering];
}

int engine_add(struct engine *engine, const struct engine_message *message)
{
	struct engine_batch *batch = gathering(engine);

	if (batch->count == ENGINE_BATCH_MAX)
		return -ENOBUFS;
	struct record_body_bytes *body = (struct record_body_bytes *)&batch->cells[batch->bytes];
	batch->bytes += record_lay_body(body, message->number, message->epoch, message->arrived,
		message->frame, message->len);
	batch->keys[batch->count++] = message->key;
	return 0;
}

void engine_add_blank(struct engine *engine)
{
	gathering(engine)->blank = true;
}

int engine_erase(struct engine *engine, uint64_t number)
{
	uint64_t *place = engine_list_add(&gathering(engine)->erased, sizeof *place);

	if (!place)
		return -ENOMEM;
	*place = number;
	return 0;
}

int engine_remember(struct engine *engine, const struct engine_delivered *delivered)
{
	struct engine_delivered *place =
		engine_list_add(&gathering(engine)->delivered, sizeof *place);

	if (!place)
		return -ENOMEM;
	*place = *delivered;
	return 0;
}

int engine_restore(struct engine *engine, uint64_t number, struct segment_place at, size_t len,
	const struct record_index_bytes *index)
{
	struct engine_entry *place = engine_list_add(&gathering(engine)->restored, sizeof *place);

	if (!place)
		return -ENOMEM;
	*place = (struct engine_entry){ number, at, len, *index };
	return 0;
}

void engine_forget(struct engine *engine, uint32_t minute)
{
	gathering(engine)->forget = minute;
}

void engine_abandon(struct engine *engine)
{
	engine_batch_clear(gathering(engine));
}

bool engine_has_changes(const struct engine *engine)
{
	const struct engine_batch *batch = &engine->batches[engine->gathering];

	return batch->count > 0 || batch->erased.count > 0 || batch->delivered.count > 0 ||
	       batch->restored.count > 0 || batch->forget != 0 || batch->blank;
}

int engine_get_index(struct engine *engine, uint64_t number, struct record_index_bytes *index)
{
	struct engine_entry entry;
	const int result = engine_find(engine, number, &entry);

	if (result == 0)
		*index = entry.index;
	return result;
}

ssize_t engine_get_body(struct engine *engine, uint64_t number, struct record_body_bytes *body)
{
	/* A segment that was emptied meanwhile is gone: its cells are elsewhere then. */
	for (int tries = 0; tries < 2; tries++) {
		struct engine_entry entry;
		const int result = engine_find(engine, number, &entry);
		if (result < 0)
			return result;
		const ssize_t got = segments_read(engine->segments, entry.place, body, entry.len);
		if (got != -ENOENT)
			return got < 0 || (size_t)got == entry.len ? got : -EBADMSG;
	}
	return -EBADMSG; /* an index without its cell */
}
