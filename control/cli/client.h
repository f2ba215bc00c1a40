/* The HTTP client of chappectl. */
#ifndef CHAPPE_CONTROL_CLI_CLIENT_H
#define CHAPPE_CONTROL_CLI_CLIENT_H

#include "options.h"
#include <jansson.h>

/* One request to chappe-control. body may be NULL; its reference is taken. On success returns
 * CLI_OK and the answer in *reply (the caller's to free). Else the error has been printed, as JSON
 * on standard output too where --json asks for it, and the exit status is returned. */
int client_call(const struct options *options, const char *method, const char *path, json_t *body,
	json_t **reply);

/* The same for a call that may take so many seconds. */
int client_call_within(const struct options *options, int seconds, const char *method,
	const char *path, json_t *body, json_t **reply);

/* The same for what is shown as it came: with --json the answer has been printed, and *reply is
 * NULL.
 */
int client_show(const struct options *options, const char *method, const char *path, json_t *body,
	json_t **reply);

/* Gets all pages of a list whose rows are in the array called field: one array of rows. path has no
 * query, or ends in one. */
int client_list(const struct options *options, const char *path, const char *field, json_t **rows);

/* Puts an operand, which names a device, route or invitation, into format's %s. Returns 0; else the
 * operand is no name at all and the error has been printed. */
int client_path(const struct options *options, char *path, size_t size, const char *format,
	const char *operand) __attribute__((format(printf, 4, 0)));

/* Prints an error that happened on this side of the socket, in the same form. Returns status. */
int client_error(const struct options *options, int status, const char *code, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
