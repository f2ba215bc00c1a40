/* Configuration of chappe-store: an INI file, refused with file, line and reason. Limits are not in
 * it: control sends them (limits.h). */
#ifndef CHAPPE_STORE_CONFIG_H
#define CHAPPE_STORE_CONFIG_H

enum { CONFIG_PATH_BYTES = 512, CONFIG_ERROR_BYTES = 1024, CONFIG_USER_BYTES = 64 };

struct config {
	char dir[CONFIG_PATH_BYTES];     /* [store] dir */
	char run_dir[CONFIG_PATH_BYTES]; /* [dataplane] run_dir: store.sock, store-admin.sock */
	char user[CONFIG_USER_BYTES];    /* [process] user, "none" keeps the privileges (tests) */
};

/* What holds where the file says nothing. */
void config_defaults(struct config *config);
/* Reads a file over the defaults. Returns 0 or -errno with error set. */
int config_load(const char *path, struct config *config, char error[CONFIG_ERROR_BYTES]);

#endif
