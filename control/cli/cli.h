/* chappectl: one function a command. Commands get their arguments parsed and checked
 * (options.h), speak to chappe-control (client.h) and print (print.h). */
#ifndef CHAPPE_CONTROL_CLI_CLI_H
#define CHAPPE_CONTROL_CLI_CLI_H

#include "options.h"

/* Exit statuses, stable: scripts depend on them. Those of API errors are in control/api/error.h. */
#define CLI_EXITS(X)                                                                               \
	X(OK, 0, "done")                                                                           \
	X(FAILED, 1, "it failed at the relay; the log of chappe-control says how")                 \
	X(USAGE, 2, "a wrong argument, option or value")                                           \
	X(UNREACHABLE, 3, "chappe-control can't be reached")                                       \
	X(NOT_FOUND, 4, "no such device, route or resource")                                       \
	X(REFUSED, 5, "refused: ambiguous name, wrong state, or init where a key exists")          \
	X(FORBIDDEN, 6, "no permission")                                                           \
	X(DATAPLANE, 7, "chappe-dataplane is not connected or did not answer")                     \
	X(FULL, 8, "a table of the relay is full")                                                 \
	X(STORE, 9, "chappe-store is not connected or did not answer")                             \
	X(DAMAGED, 10, "what was looked through is damaged")

enum cli_exit {
#define X(name, value, help) CLI_##name = value,
	CLI_EXITS(X)
#undef X
};

/* Each prints its result or its error and returns an exit status. */
int cli_init(const struct options *options);
int cli_status(const struct options *options);
int cli_invite(const struct options *options);
int cli_invitation_list(const struct options *options);
int cli_invitation_cancel(const struct options *options);
int cli_device_list(const struct options *options);
int cli_device_show(const struct options *options);
int cli_device_limit(const struct options *options);
int cli_device_revoke(const struct options *options);
int cli_route_list(const struct options *options);
int cli_route_revoke(const struct options *options);
int cli_session_list(const struct options *options);
int cli_stats(const struct options *options);
int cli_stages(const struct options *options); /* stats --stages */
void cli_wait(double seconds);
int cli_disclose(const struct options *options);
int cli_store_status(const struct options *options);
int cli_store_verify(const struct options *options);
int cli_store_compact(const struct options *options);
int cli_store_limits(const struct options *options);
int cli_backup(const struct options *options);
int cli_restore(const struct options *options);
int cli_audit(const struct options *options);

#endif
