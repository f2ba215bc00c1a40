#include "disclose_json.h"
#include "control/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_table, KIND_struct, KIND_other };

static const struct {
	const char *id, *name, *process, *medium, *about;
	enum kind kind;
	enum disclose_scope scope;
} places[DISCLOSE_PLACE_COUNT] = {
#define P(id_, kind_, name_, process_, medium_, scope_, about_)                                    \
	[DISCLOSE_##id_] = { .id = #id_,                                                           \
		.name = name_,                                                                     \
		.process = process_,                                                               \
		.medium = medium_,                                                                 \
		.about = about_,                                                                   \
		.kind = KIND_##kind_,                                                              \
		.scope = DISCLOSE_SCOPE_##scope_ },
	DISCLOSE_PLACES(P)
#undef P
};

/* Columns belong to a place by the name of their table, other data by the place's identifier. */
struct datum {
	const char *owner, *name, *until, *what;
};

static const struct datum columns[] = {
#define C(table, column, sql, until, what) { #table, #column, until, what },
	STORE_COLUMNS(C)
#undef C
};

static const struct datum data[] = {
#define D(place, datum, until, what) { #place, #datum, until, what },
	DISCLOSE_DATA(D)
#undef D
};

/* The next datum of a place from *cursor on, NULL at the end. */
static const struct datum *next_datum(enum disclose_place place, size_t *cursor)
{
	const bool table = places[place].kind == KIND_table;
	const struct datum *list = table ? columns : data;
	const size_t count =
		table ? sizeof columns / sizeof columns[0] : sizeof data / sizeof data[0];
	const char *owner = table ? places[place].name : places[place].id;
	while (*cursor < count) {
		const struct datum *datum = &list[(*cursor)++];
		if (strcmp(datum->owner, owner) == 0)
			return datum;
	}
	return NULL;
}

const char *disclose_id(enum disclose_place place)
{
	return places[place].id;
}

enum disclose_scope disclose_scope(enum disclose_place place)
{
	return places[place].scope;
}

static bool is_bookkeeping(const struct datum *datum)
{
	return strcmp(datum->what, NOTHING) == 0;
}

static json_t *place_json(enum disclose_place place)
{
	static const char *const kinds[] = {
		[KIND_table] = "table", [KIND_struct] = "struct", [KIND_other] = "other"
	};
	const struct datum *datum;
	size_t cursor = 0;
	json_t *list = json_array();
	while ((datum = next_datum(place, &cursor)) != NULL)
		json_array_append_new(list,
			json_pack("{s:s,s:s,s:s,s:b}", "name", datum->name, "until", datum->until,
				"what", datum->what, "bookkeeping", is_bookkeeping(datum)));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "place", places[place].id, "kind",
		kinds[places[place].kind], "name", places[place].name, "process",
		places[place].process, "medium", places[place].medium, "about", places[place].about,
		"data", list);
}

json_t *disclose_places(enum disclose_scope scope)
{
	json_t *list = json_array();
	for (int place = 0; place < DISCLOSE_PLACE_COUNT; place++)
		if (places[place].scope == scope)
			json_array_append_new(list, place_json((enum disclose_place)place));
	return list;
}

json_t *disclose_absent(void)
{
	static const char *const absent[] = {
#define A(text) text,
		DISCLOSE_ABSENT(A)
#undef A
	};
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
		json_array_append_new(list, json_string(absent[i]));
	return list;
}

json_t *disclose_record(enum disclose_place place)
{
	const bool memory = strcmp(places[place].medium, "memory") == 0;
	const struct datum *datum;
	size_t cursor = 0;
	json_t *record = json_object();
	while ((datum = next_datum(place, &cursor)) != NULL)
		json_object_set_new(record, datum->name,
			json_string(is_bookkeeping(datum) ? "(bookkeeping)"
				    : memory              ? "(in memory, not read out)"
							  : "(on disk, not read out)"));
	return record;
}

void disclose_set(json_t *record, const char *name, json_t *value)
{
	if (json_object_get(record, name) == NULL) {
		fprintf(stderr, "error disclose: no datum is called %s\n", name);
		abort();
	}
	json_object_set_new(record, name, value);
}

json_t *disclose_secret(unsigned bytes)
{
	return json_sprintf("(secret: %u bytes, not shown)", bytes);
}
