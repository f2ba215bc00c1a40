/* The lists of disclose_list.h and STORE_COLUMNS as JSON, and records that name every datum of
 * their place. */
#ifndef CHAPPE_CONTROL_API_DISCLOSE_JSON_H
#define CHAPPE_CONTROL_API_DISCLOSE_JSON_H

#include "control/disclose_list.h"
#include <jansson.h>

enum disclose_place {
#define P(id, kind, name, process, medium, scope, about) DISCLOSE_##id,
	DISCLOSE_PLACES(P)
#undef P
		DISCLOSE_PLACE_COUNT
};

enum disclose_scope { DISCLOSE_SCOPE_relay, DISCLOSE_SCOPE_device };

const char *disclose_id(enum disclose_place place);
enum disclose_scope disclose_scope(enum disclose_place place);

/* All places of a scope, each with its data: what they mean and how long they live. */
json_t *disclose_places(enum disclose_scope scope);
json_t *disclose_absent(void);

/* A record of a place in which every datum says that it is there and not read out. */
json_t *disclose_record(enum disclose_place place);
/* Sets a datum; takes value's reference. A name that the place does not have is a mistake of the
 * caller and aborts. */
void disclose_set(json_t *record, const char *name, json_t *value);

/* For secrets: that they are there, and how long they are. */
json_t *disclose_secret(unsigned bytes);

#endif
