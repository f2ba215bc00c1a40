#include "body.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct field {
	const char *name;
	int64_t min, max;
	bool nullable; /* null is read as -1 */
	bool flag;     /* true or false, read as 1 and 0 */
	struct api_limit *limit;
};

static int read_field(const struct field *field, const json_t *value, char fault[API_FAULT_BYTES])
{
	if (field->nullable && json_is_null(value)) {
		*field->limit = (struct api_limit){ .given = true, .value = -1 };
		return 0;
	}
	if (field->flag) {
		*field->limit = (struct api_limit){ .given = true, .value = json_is_true(value) };
		if (json_is_boolean(value))
			return 0;
		snprintf(fault, API_FAULT_BYTES, "\"%s\" must be true or false", field->name);
		return -EINVAL;
	}
	const json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || number < field->min || number > field->max) {
		snprintf(fault, API_FAULT_BYTES, "\"%s\" must be an integer from %lld to %lld%s",
			field->name, (long long)field->min, (long long)field->max,
			field->nullable ? ", or null for the relay's default" : "");
		return -EINVAL;
	}
	*field->limit = (struct api_limit){ .given = true, .value = number };
	return 0;
}

static int read_object(
	json_t *object, const struct field *fields, size_t count, char fault[API_FAULT_BYTES])
{
	const char *name;
	json_t *value;
	json_object_foreach (object, name, value) {
		size_t i = 0;
		while (i < count && strcmp(fields[i].name, name) != 0)
			i++;
		if (i == count) {
			/* What came in is echoed only as far as it is plainly a name. */
			const int len = (int)strspn(name, "abcdefghijklmnopqrstuvwxyz_");
			snprintf(fault, API_FAULT_BYTES, "unknown field \"%.*s\"",
				len < 40 ? len : 40, name);
			return -EINVAL;
		}
		const int r = read_field(&fields[i], value, fault);
		if (r != 0)
			return r;
	}
	return 0;
}

static int read_body(const void *bytes, size_t len, const struct field *fields, size_t count,
	char fault[API_FAULT_BYTES])
{
	json_error_t error;
	fault[0] = '\0';
	if (len == 0)
		return 0;
	if (len > API_BODY_BYTES_MAX) {
		snprintf(fault, API_FAULT_BYTES, "the body is longer than %d bytes",
			API_BODY_BYTES_MAX);
		return -EINVAL;
	}
	json_t *object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL) {
		snprintf(fault, API_FAULT_BYTES, "the body is no JSON at byte %d: %.100s",
			error.position, error.text);
		return -EINVAL;
	}
	int r = -EINVAL;
	if (json_is_object(object))
		r = read_object(object, fields, count, fault);
	else
		snprintf(fault, API_FAULT_BYTES, "the body must be a JSON object");
	json_decref(object);
	return r;
}

int api_body_invite(
	const void *bytes, size_t len, struct api_invite *invite, char fault[API_FAULT_BYTES])
{
	struct api_limit ttl = { .value = API_INVITE_TTL_S }, count = { .value = 1 };
	const struct field fields[] = {
		{ "ttl_s", 1, API_INVITE_TTL_MAX_S, .limit = &ttl },
		{ "count", 1, API_INVITE_COUNT_MAX, .limit = &count },
	};
	*invite = (struct api_invite){ 0 };
	const int r = read_body(bytes, len, fields, sizeof fields / sizeof fields[0], fault);
	if (r == 0) {
		invite->ttl_s = (uint32_t)ttl.value;
		invite->count = (uint32_t)count.value;
	}
	return r;
}

int api_body_limits(
	const void *bytes, size_t len, struct api_limits *limits, char fault[API_FAULT_BYTES])
{
	const struct field fields[] = {
		{ "routes_max", 0, INT32_MAX, .nullable = true, .limit = &limits->routes_max },
		{ "frames_per_s", 0, UINT32_MAX, .nullable = true, .limit = &limits->frames_per_s },
		{ "bytes_per_s", 0, INT64_MAX, .nullable = true, .limit = &limits->bytes_per_s },
	};
	*limits = (struct api_limits){ 0 };
	int r = read_body(bytes, len, fields, sizeof fields / sizeof fields[0], fault);
	if (r == 0 && !limits->routes_max.given && !limits->frames_per_s.given &&
		!limits->bytes_per_s.given) {
		snprintf(fault, API_FAULT_BYTES,
			"nothing to change: name routes_max, frames_per_s or bytes_per_s");
		r = -EINVAL;
	}
	if (r != 0)
		*limits = (struct api_limits){ 0 };
	return r;
}

int api_body_store_limits(
	const void *bytes, size_t len, struct api_store_limits *limits, char fault[API_FAULT_BYTES])
{
	struct api_limit ttl_s = { 0 };
	const struct field fields[] = {
#define X(field, least, most, otherwise, what)                                                     \
	{ #field, least, most, .nullable = true, .limit = &limits->field },
		ADMIN_LIMITS(X)
#undef X
	};
	enum { COUNT = sizeof fields / sizeof fields[0] };
	struct field named[COUNT];
	bool any = false;
	*limits = (struct api_store_limits){ 0 };
	/* Durations are seconds in the API, whole minutes in the store. */
	memcpy(named, fields, sizeof named);
	named[COUNT - 1] = (struct field){ "ttl_s", fields[COUNT - 1].min * 60,
		fields[COUNT - 1].max * 60, .nullable = true, .limit = &ttl_s };
	int r = read_body(bytes, len, named, COUNT, fault);
	limits->ttl_minutes = ttl_s;
	if (ttl_s.given && ttl_s.value > 0)
		limits->ttl_minutes.value = ttl_s.value / 60;
	for (size_t i = 0; i < COUNT; i++)
		any |= fields[i].limit->given;
	if (r == 0 && !any) {
		snprintf(fault, API_FAULT_BYTES, "nothing to change: name a limit");
		r = -EINVAL;
	} else if (r == 0 && ttl_s.given && ttl_s.value > 0 && ttl_s.value % 60 != 0) {
		snprintf(fault, API_FAULT_BYTES,
			"\"ttl_s\" must be whole minutes: a multiple of 60");
		r = -EINVAL;
	}
	if (r != 0)
		*limits = (struct api_store_limits){ 0 };
	return r;
}

int api_body_backup(
	const void *bytes, size_t len, struct api_backup *backup, char fault[API_FAULT_BYTES])
{
	struct api_limit without_store = { 0 }, discard = { 0 };
	const struct field fields[] = {
		{ "without_store", .flag = true, .limit = &without_store },
		{ "discard", .flag = true, .limit = &discard },
	};
	const int r = read_body(bytes, len, fields, sizeof fields / sizeof fields[0], fault);
	*backup = (struct api_backup){ 0 };
	if (r == 0)
		*backup = (struct api_backup){ .without_store = without_store.value != 0,
			.discard = discard.value != 0 };
	return r;
}

int api_body_none(const void *bytes, size_t len, char fault[API_FAULT_BYTES])
{
	return read_body(bytes, len, NULL, 0, fault);
}
