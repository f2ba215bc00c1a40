/* Bodies of API requests: pure functions of the bytes that came in, for the server and for a fuzz
 * target alike. A body is one JSON object; unknown and repeated fields and values out of range are
 * refused. */
#ifndef CHAPPE_CONTROL_API_BODY_H
#define CHAPPE_CONTROL_API_BODY_H

#include "store/admin_limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	API_BODY_BYTES_MAX = 4096,
	API_FAULT_BYTES = 160,
	API_INVITE_COUNT_MAX = 100, /* a request must not hold the loop for long */
	API_INVITE_TTL_S = 86400,
	API_INVITE_TTL_MAX_S = 366 * 86400,
};

struct api_invite {
	uint32_t ttl_s, count;
};

/* Limits that the body names; value -1 (STORE_LIMIT_DEFAULT) is JSON's null. */
struct api_limit {
	bool given;
	int64_t value;
};
struct api_limits {
	struct api_limit routes_max, frames_per_s, bytes_per_s;
};

/* Limits of the message store that the body names, in the units of admin_limits.h. */
struct api_store_limits {
#define X(field, least, most, otherwise, what) struct api_limit field;
	ADMIN_LIMITS(X)
#undef X
};

/* Each returns 0, or -EINVAL with a sentence for people in fault. An empty body of an invite stands
 * for one invitation of a day. */
int api_body_invite(
	const void *bytes, size_t len, struct api_invite *invite, char fault[API_FAULT_BYTES]);
int api_body_limits(
	const void *bytes, size_t len, struct api_limits *limits, char fault[API_FAULT_BYTES]);
int api_body_store_limits(const void *bytes, size_t len, struct api_store_limits *limits,
	char fault[API_FAULT_BYTES]);
/* A backup's flags, false where they are not named. */
struct api_backup {
	bool without_store, discard;
};
int api_body_backup(
	const void *bytes, size_t len, struct api_backup *backup, char fault[API_FAULT_BYTES]);
/* For requests that take no body: nothing, or an empty object. */
int api_body_none(const void *bytes, size_t len, char fault[API_FAULT_BYTES]);

#endif
