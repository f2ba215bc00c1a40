#include "engine_private.h"

#include <errno.h>

int engine_get_group(struct engine *engine, uint64_t number, struct group *group)
{
	struct group_entry bytes[GROUP_NUMBERS];

	group->number = group_of(number);
	group->count = 0;
	if (!engine->table)
		return -ENOENT;
	const ssize_t got =
		table_get(engine->table, TABLE_GROUPS, group_of(number), bytes, sizeof bytes);
	if (got < 0)
		return got == -EMSGSIZE ? -EBADMSG : (int)got;
	return group_read(group, group_of(number), bytes, (size_t)got);
}

static void put_group(struct engine *engine, const struct group *group)
{
	if (group->count > 0)
		table_put(engine->table, TABLE_GROUPS, group->number, group->entries,
			group_bytes(group));
	else
		table_erase(engine->table, TABLE_GROUPS, group->number);
}

static void close_one(struct engine *engine)
{
	if (engine->is_open && engine->open_changed)
		put_group(engine, &engine->open);
	engine->is_open = engine->open_changed = false;
}

int engine_open_group(struct engine *engine, uint64_t number, struct group **group)
{
	if (group_of(number) == engine->tail.number) {
		*group = &engine->tail;
		return 0;
	}
	*group = &engine->open;
	if (engine->is_open && engine->open.number == group_of(number))
		return 0;
	close_one(engine);
	engine->is_open = true;
	return engine_get_group(engine, number, &engine->open);
}

void engine_group_changed(struct engine *engine, const struct group *group)
{
	if (group == &engine->tail)
		engine->tail_changed = true;
	else
		engine->open_changed = true;
}

void engine_close_groups(struct engine *engine)
{
	close_one(engine);
	if (engine->tail_changed)
		put_group(engine, &engine->tail);
	engine->tail_changed = false;
}
