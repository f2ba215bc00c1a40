/* Configuration of chappe-control: an INI file, refused with file, line and reason. */
#ifndef CHAPPE_CONTROL_CONFIG_H
#define CHAPPE_CONTROL_CONFIG_H

#include "control.h"

enum { CONFIG_PATH_BYTES = CONTROL_PATH_BYTES, CONFIG_ERROR_BYTES = 1024, CONFIG_USER_BYTES = 64 };

struct config {
	char state_dir[CONFIG_PATH_BYTES];  /* [store] state_dir */
	char run_dir[CONFIG_PATH_BYTES];    /* [dataplane] run_dir: table.sock and punt.sock */
	char api_socket[CONFIG_PATH_BYTES]; /* [api] socket */
	char api_group[CONFIG_USER_BYTES];  /* [api] group, "none" leaves it as it is */
	uint32_t names_count;               /* [relay] name, repeatable: host:port */
	char names[CONTROL_NAMES_MAX][CONTROL_NAME_BYTES];
	uint32_t keepalive_s, keepalive_min_s;
	struct store_limits limits;   /* for devices without limits of their own */
	char user[CONFIG_USER_BYTES]; /* [process] user, "none" keeps the privileges (tests) */
	uint32_t threads;             /* of the responder; 0 = half the processors */
};

/* What holds where the file says nothing. */
void config_defaults(struct config *config);
/* Reads a file over the defaults. Returns 0 or -errno with error set. */
int config_load(const char *path, struct config *config, char error[CONFIG_ERROR_BYTES]);

#endif
