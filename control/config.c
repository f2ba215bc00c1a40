#include "config.h"
#include "daemon/ini_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct parse {
	struct config *config;
	uint64_t seen; /* bit n: settings[n] */
	char reason[CONFIG_ERROR_BYTES / 2];
};

enum setting_type { SETTING_PATH, SETTING_USER, SETTING_NAME, SETTING_U32, SETTING_I64 };

static const struct setting {
	const char *section, *name;
	enum setting_type type;
	size_t offset;
	int64_t min, max;
} settings[] = {
#define FIELD(field) offsetof(struct config, field)
	{ "store", "state_dir", SETTING_PATH, FIELD(state_dir), 0, 0 },
	{ "dataplane", "run_dir", SETTING_PATH, FIELD(run_dir), 0, 0 },
	{ "api", "socket", SETTING_PATH, FIELD(api_socket), 0, 0 },
	{ "api", "group", SETTING_USER, FIELD(api_group), 0, 0 },
	{ "relay", "name", SETTING_NAME, FIELD(names), 0, 0 },
	{ "relay", "keepalive_s", SETTING_U32, FIELD(keepalive_s), 1, 3600 },
	{ "relay", "keepalive_min_s", SETTING_U32, FIELD(keepalive_min_s), 1, 3600 },
	{ "relay", "routes_per_device", SETTING_I64, FIELD(limits.routes_max), 1, 1 << 20 },
	{ "relay", "frames_per_s", SETTING_I64, FIELD(limits.frames_per_s), 0, INT32_MAX },
	{ "relay", "bytes_per_s", SETTING_I64, FIELD(limits.bytes_per_s), 0, INT64_C(1) << 50 },
	{ "process", "user", SETTING_USER, FIELD(user), 0, 0 },
	{ "process", "threads", SETTING_U32, FIELD(threads), 0, 64 },
#undef FIELD
};

enum { SETTINGS_COUNT = sizeof settings / sizeof *settings };

static int refuse(struct parse *parse, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int refuse(struct parse *parse, const char *format, ...)
{
	va_list arguments;

	if (parse->reason[0])
		return 0;
	va_start(arguments, format);
	vsnprintf(parse->reason, sizeof parse->reason, format, arguments);
	va_end(arguments);
	return 0;
}

static int set_text(
	struct parse *parse, const struct setting *setting, const char *value, size_t room)
{
	char *field = (char *)parse->config + setting->offset;

	if (*value == '\0')
		return refuse(parse, "%s is empty", setting->name);
	if (strlen(value) >= room)
		return refuse(parse, "%s is longer than %zu bytes", setting->name, room - 1);
	strcpy(field, value);
	return 1;
}

static int set_number(struct parse *parse, const struct setting *setting, const char *value)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || errno || number < setting->min || number > setting->max)
		return refuse(parse, "%s is %.40s; it must be a number from %lld to %lld",
			setting->name, value, (long long)setting->min, (long long)setting->max);
	if (setting->type == SETTING_U32)
		*(uint32_t *)((char *)parse->config + setting->offset) = (uint32_t)number;
	else
		*(int64_t *)((char *)parse->config + setting->offset) = number;
	return 1;
}

/* host:port, an IPv6 address in brackets. */
static bool name_ok(const char *name)
{
	const char *colon = strrchr(name, ':');
	char *end;
	long port;

	if (!colon || colon == name)
		return false;
	port = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || port < 1 || port > 65535)
		return false;
	if (name[0] == '[')
		return colon[-1] == ']' && colon - name > 2;
	return memchr(name, ':', (size_t)(colon - name)) == NULL;
}

static int add_name(struct parse *parse, const char *value)
{
	struct config *config = parse->config;

	if (!name_ok(value))
		return refuse(parse, "name is %.80s; it must be host:port or [IPv6]:port", value);
	if (strlen(value) >= CONTROL_NAME_BYTES)
		return refuse(parse, "name is longer than %d bytes", CONTROL_NAME_BYTES - 1);
	if (config->names_count == CONTROL_NAMES_MAX)
		return refuse(parse, "more than %d names", CONTROL_NAMES_MAX);
	strcpy(config->names[config->names_count++], value);
	return 1;
}

static int set(struct parse *parse, uint32_t number, const char *value)
{
	const struct setting *setting = &settings[number];
	const uint64_t bit = UINT64_C(1) << number;

	if (setting->type == SETTING_NAME)
		return add_name(parse, value);
	if (parse->seen & bit)
		return refuse(parse, "%s is set twice", setting->name);
	parse->seen |= bit;
	switch (setting->type) {
	case SETTING_PATH:
		return set_text(parse, setting, value, CONFIG_PATH_BYTES);
	case SETTING_USER:
		return set_text(parse, setting, value, CONFIG_USER_BYTES);
	default:
		return set_number(parse, setting, value);
	}
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
	struct parse *parse = arg;

	for (uint32_t i = 0; i < SETTINGS_COUNT; i++)
		if (strcmp(section, settings[i].section) == 0 &&
			strcmp(name, settings[i].name) == 0)
			return set(parse, i, value);
	return refuse(parse, "[%.60s] %.60s is no setting of chappe-control", section, name);
}

void config_defaults(struct config *config)
{
	*config = (struct config){
		.state_dir = "/var/lib/chappe",
		.run_dir = "/run/chappe",
		.api_socket = "/run/chappe/control.sock",
		.api_group = "chappe",
		.keepalive_s = WIRE_KEEPALIVE_S,
		.keepalive_min_s = 10,
		.limits = { .routes_max = 32 },
		.user = "chappe",
	};
}

int config_load(const char *path, struct config *config, char error[CONFIG_ERROR_BYTES])
{
	struct parse parse = { .config = config };
	const int line = ini_file_parse(path, on_setting, &parse);
	const int result = ini_file_result(path, line, parse.reason, error, CONFIG_ERROR_BYTES);

	if (result < 0)
		return result;
	if (config->keepalive_min_s > config->keepalive_s) {
		snprintf(error, CONFIG_ERROR_BYTES,
			"%.400s: keepalive_min_s is %u, more than keepalive_s, which is %u", path,
			config->keepalive_min_s, config->keepalive_s);
		return -EINVAL;
	}
	return 0;
}
