#include "config.h"
#include "daemon/ini_file.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct parse {
	struct config *config;
	uint32_t seen; /* bit n: settings[n] */
	char reason[CONFIG_ERROR_BYTES / 2];
};

static const struct setting {
	const char *section, *name;
	size_t offset, room;
} settings[] = {
	{ "store", "dir", offsetof(struct config, dir), CONFIG_PATH_BYTES },
	{ "dataplane", "run_dir", offsetof(struct config, run_dir), CONFIG_PATH_BYTES },
	{ "process", "user", offsetof(struct config, user), CONFIG_USER_BYTES },
};

enum { SETTINGS_COUNT = sizeof settings / sizeof *settings };

static int set(struct parse *parse, uint32_t number, const char *value)
{
	const struct setting *setting = &settings[number];

	if (parse->seen & 1U << number)
		snprintf(parse->reason, sizeof parse->reason, "%s is set twice", setting->name);
	else if (*value == '\0')
		snprintf(parse->reason, sizeof parse->reason, "%s is empty", setting->name);
	else if (strlen(value) >= setting->room)
		snprintf(parse->reason, sizeof parse->reason, "%s is longer than %zu bytes",
			setting->name, setting->room - 1);
	else
		strcpy((char *)parse->config + setting->offset, value);
	parse->seen |= 1U << number;
	return parse->reason[0] == '\0';
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
	struct parse *parse = arg;

	for (uint32_t i = 0; i < SETTINGS_COUNT && !parse->reason[0]; i++)
		if (strcmp(section, settings[i].section) == 0 &&
			strcmp(name, settings[i].name) == 0)
			return set(parse, i, value);
	if (!parse->reason[0])
		snprintf(parse->reason, sizeof parse->reason,
			"[%.60s] %.60s is no setting of chappe-store", section, name);
	return 0;
}

void config_defaults(struct config *config)
{
	*config = (struct config){
		.dir = "/var/lib/chappe-store",
		.run_dir = "/run/chappe",
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
	if (config->dir[0] != '/' || config->run_dir[0] != '/') {
		snprintf(error, CONFIG_ERROR_BYTES,
			"%.400s: dir and run_dir must be whole paths, from / on", path);
		return -EINVAL;
	}
	return 0;
}
