/* Values of options, as people write them. */
#include "options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Powers that a suffix stands for; the table ends with no suffix. */
struct suffix {
	char letter;
	uint64_t factor;
};

static int parse_scaled(const char *text, const struct suffix *suffixes, uint64_t *value)
{
	if (*text < '0' || *text > '9')
		return -EINVAL;
	char *end;
	errno = 0;
	const unsigned long long n = strtoull(text, &end, 10);
	if (errno != 0)
		return -EINVAL;
	uint64_t factor = 1;
	if (*end != '\0') {
		while (suffixes->letter != '\0' && suffixes->letter != *end)
			suffixes++;
		if (suffixes->letter == '\0' || end[1] != '\0')
			return -EINVAL;
		factor = suffixes->factor;
	}
	return __builtin_mul_overflow(n, factor, value) ? -EINVAL : 0;
}

int options_duration(const char *text, uint64_t *seconds)
{
	static const struct suffix suffixes[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 }, { '\0', 0 } };
	return parse_scaled(text, suffixes, seconds);
}

int options_number(const char *text, uint64_t *number)
{
	static const struct suffix suffixes[] = { { 'k', 1000 }, { 'M', 1000000 },
		{ 'G', 1000000000 }, { 'T', UINT64_C(1000000000000) }, { '\0', 0 } };
	return parse_scaled(text, suffixes, number);
}

static int parse_limit(const char *text, uint64_t *number)
{
	if (strcmp(text, "none") == 0) {
		*number = 0;
		return 0;
	}
	if (strcmp(text, "default") == 0) {
		*number = OPTIONS_LIMIT_DEFAULT;
		return 0;
	}
	/* 0 is how the API writes "no limit"; a person who types 0 means something else. */
	const int r = options_number(text, number);
	return r == 0 && *number == 0 ? -EINVAL : r;
}

static int parse_or_default(
	int (*parse)(const char *text, uint64_t *number), const char *text, uint64_t *number)
{
	if (strcmp(text, "default") != 0)
		return parse(text, number);
	*number = OPTIONS_LIMIT_DEFAULT;
	return 0;
}

static int parse_positive(const char *text, uint64_t *number)
{
	const int r = options_number(text, number);
	return r == 0 && *number == 0 ? -EINVAL : r;
}

/* Tenths of a second up to a day; without a text the value stays as it is. */
static int parse_seconds(const char *text, double *seconds)
{
	char *end;
	if (text == NULL)
		return 0;
	*seconds = strtod(text, &end);
	return end == text || *end != '\0' || !(*seconds >= 0.1) || *seconds > 86400 ? -EINVAL : 0;
}

int options_set(enum option_id option, const char *text, struct options *options)
{
	switch (option) {
	case OPTION_socket:
		options->socket = text;
		return *text == '\0' ? -EINVAL : 0;
	case OPTION_state:
		options->state = text;
		return *text == '\0' ? -EINVAL : 0;
	case OPTION_store:
		options->store = text;
		return *text == '\0' ? -EINVAL : 0;
	case OPTION_user:
		options->user = text;
		return *text == '\0' ? -EINVAL : 0;
	case OPTION_json:
		options->json = true;
		return 0;
	case OPTION_ttl:
		return parse_or_default(options_duration, text, &options->ttl_s);
	case OPTION_count:
		return parse_positive(text, &options->count);
	case OPTION_limit:
		return parse_positive(text, &options->limit);
	case OPTION_routes:
		return parse_or_default(options_number, text, &options->routes);
	case OPTION_route_frames:
		return parse_or_default(options_number, text, &options->route_frames);
	case OPTION_route_bytes:
		return parse_or_default(options_number, text, &options->route_bytes);
	case OPTION_device_frames:
		return parse_or_default(options_number, text, &options->device_frames);
	case OPTION_device_bytes:
		return parse_or_default(options_number, text, &options->device_bytes);
	case OPTION_total_bytes:
		return parse_or_default(options_number, text, &options->total_bytes);
	case OPTION_disk_free:
		return parse_or_default(options_number, text, &options->disk_free);
	case OPTION_frames:
		return parse_limit(text, &options->frames);
	case OPTION_bytes:
		return parse_limit(text, &options->bytes);
	case OPTION_watch:
		return parse_seconds(text, &options->watch_s);
	case OPTION_stages:
		return parse_seconds(text, &options->stages_s);
	default:
		return 0;
	}
}
