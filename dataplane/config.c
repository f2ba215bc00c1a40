#include "config_parse.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/wire.h"

struct config_key;

typedef bool config_set(
	struct config_parse *parse, const struct config_key *key, const char *value);

struct config_key {
	const char *section, *name;
	config_set *set;
	bool repeatable;
	uint32_t min, max;
	size_t offset; /* of the field in struct config */
};

bool config_refuse(struct config_parse *parse, const char *format, ...)
{
	if (parse->failed)
		return false; /* the first reason is the one to mend */
	parse->failed = true;
	int used = parse->line > 0 ? snprintf(parse->error, parse->error_len,
					     "%s:%d: ", parse->path, parse->line)
				   : snprintf(parse->error, parse->error_len, "%s: ", parse->path);
	if (used < 0 || (size_t)used >= parse->error_len)
		return false;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(parse->error + used, parse->error_len - (size_t)used, format, args);
	va_end(args);
	return false;
}

bool config_number(struct config_parse *parse, const char *what, const char *text, uint32_t min,
	uint32_t max, uint32_t *out)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return config_refuse(parse, "%s: '%s' is not a number", what, text);
	if (n < min || n > max)
		return config_refuse(parse, "%s: %s is out of range, %u to %u are possible", what,
			text, min, max);
	*out = (uint32_t)n;
	return true;
}

static bool config_set_number(
	struct config_parse *parse, const struct config_key *key, const char *value)
{
	uint32_t *field = (uint32_t *)((char *)parse->config + key->offset);
	return config_number(parse, key->name, value, key->min, key->max, field);
}

static bool config_set_udp_port(
	struct config_parse *parse, const struct config_key *key, const char *value)
{
	struct config *config = parse->config;
	uint32_t port = 0;
	if (!config_number(parse, key->name, value, key->min, key->max, &port))
		return false;
	for (uint32_t i = 0; i < config->udp_port_count; i++)
		if (config->udp_ports[i] == port)
			return config_refuse(parse, "udp_port: %u is given twice", port);
	if (config->udp_port_count == CONFIG_UDP_PORTS_MAX)
		return config_refuse(
			parse, "udp_port: more than %d are given", CONFIG_UDP_PORTS_MAX);
	config->udp_ports[config->udp_port_count++] = (uint16_t)port;
	return true;
}

static bool config_set_udp_checksum(
	struct config_parse *parse, const struct config_key *key, const char *value)
{
	const bool no = strcmp(value, "no") == 0;
	if (!no && strcmp(value, "yes") != 0)
		return config_refuse(parse, "%s: '%s' must be yes or no", key->name, value);
	parse->config->udp_unsummed = no;
	return true;
}

static bool config_set_run_dir(
	struct config_parse *parse, const struct config_key *key, const char *value)
{
	(void)key;
	if (value[0] != '/')
		return config_refuse(parse, "run_dir: '%s' is not an absolute path", value);
	if (strlen(value) >= sizeof parse->config->run_dir)
		return config_refuse(parse,
			"run_dir: longer than the %zu characters that leave room for a socket's "
			"name",
			sizeof parse->config->run_dir - 1);
	strcpy(parse->config->run_dir, value);
	return true;
}

static bool config_set_user(
	struct config_parse *parse, const struct config_key *key, const char *value)
{
	(void)key;
	if (!value[0] || strlen(value) >= sizeof parse->config->user)
		return config_refuse(
			parse, "user: name an account of this machine, or none to keep privileges");
	strcpy(parse->config->user, value);
	return true;
}

static bool config_set_address(
	struct config_parse *parse, const struct config_key *key, const char *value)
{
	(void)key;
	return config_add_address(parse, value);
}

static const struct config_key config_keys[] = {
	{ "relay", "address", config_set_address, true, 0, 0, 0 },
	{ "relay", "udp_port", config_set_udp_port, true, 1, 65535, 0 },
	{ "relay", "udp_checksum", config_set_udp_checksum, false, 0, 0, 0 },
	{ "tables", "devices", config_set_number, false, 1, CONFIG_DEVICES_MAX,
		offsetof(struct config, devices) },
	{ "tables", "routes_per_device", config_set_number, false, 1, CONFIG_ROUTES_PER_DEVICE_MAX,
		offsetof(struct config, routes_per_device) },
	{ "worker", "idle_sleep_us", config_set_number, false, 0, CONFIG_IDLE_SLEEP_MAX_US,
		offsetof(struct config, idle_sleep_us) },
	{ "process", "run_dir", config_set_run_dir, false, 0, 0, 0 },
	{ "process", "user", config_set_user, false, 0, 0, 0 },
};
enum { CONFIG_KEY_COUNT = sizeof config_keys / sizeof *config_keys };

static bool config_section_known(const char *section)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
		if (strcmp(config_keys[i].section, section) == 0)
			return true;
	return false;
}

static int config_handle(void *arg, const char *section, const char *name, const char *value)
{
	struct config_parse *parse = arg;
	if (parse->failed)
		return 1;
	if (!section[0]) {
		config_refuse(parse, "'%s' stands before any [section]", name);
		return 1;
	}
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
			continue;
		if (!key->repeatable && parse->seen & 1U << i) {
			config_refuse(parse, "%s is given twice", name);
			return 1;
		}
		parse->seen |= 1U << i;
		key->set(parse, key, value);
		return 1;
	}
	config_refuse(parse, "unknown key '%s' in [%s]", name, section);
	return 1;
}

/* inih tells the handler neither lines nor sections, and splits long lines: see to it here. */
static char *config_line(char *line, int size, void *arg)
{
	struct config_parse *parse = arg;
	if (parse->failed || !fgets(line, size, parse->file))
		return NULL;
	parse->line++;
	size_t len = strlen(line);
	if (len == (size_t)size - 1 && line[len - 1] != '\n') {
		config_refuse(parse, "line longer than %d characters", size - 3);
		return NULL;
	}
	const char *start = line + strspn(line, " \t");
	if (*start == '[') {
		char section[32] = { 0 };
		size_t n = strcspn(start + 1, "]\r\n");
		snprintf(section, sizeof section, "%.*s", (int)(n < 31 ? n : 31), start + 1);
		if (!config_section_known(section)) {
			config_refuse(parse, "unknown section [%s]", section);
			return NULL;
		}
	}
	return line;
}

int config_read(struct config *config, const char *path, char *error, size_t error_len)
{
	*config = (struct config){
		.devices = 65536,
		.routes_per_device = 32,
		.run_dir = "/run/chappe",
		.user = "chappe",
	};
	struct config_parse parse = {
		.config = config, .path = path, .error = error, .error_len = error_len
	};
	parse.file = fopen(path, "re");
	if (!parse.file) {
		int err = errno;
		config_refuse(&parse, "%s", strerror(err));
		return -err;
	}
	int bad_line = ini_parse_stream(config_line, &parse, config_handle, &parse);
	int read_error = ferror(parse.file) ? errno : 0;
	fclose(parse.file);
	if (read_error) {
		parse.line = 0;
		config_refuse(&parse, "%s", strerror(read_error));
	}
	if (bad_line > 0 && !parse.failed) {
		parse.line = bad_line;
		config_refuse(&parse, "neither a [section] nor 'key = value'");
	}
	if (!parse.failed) {
		parse.line = 0;
		if (config->address_count == 0)
			config_refuse(&parse, "[relay] names no address");
		else if (config->udp_port_count == 0)
			config->udp_ports[config->udp_port_count++] = WIRE_PORT;
	}
	return parse.failed ? -EINVAL : 0;
}
