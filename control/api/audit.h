/* The audit log: acts of people at the API, refused ones too. */
#ifndef CHAPPE_CONTROL_API_AUDIT_H
#define CHAPPE_CONTROL_API_AUDIT_H

#include "request.h"

/* Who is at the other end of the connected socket fd. */
void api_audit_who(int fd, struct api_who *who);

/* Says in request->what what a limit is changed to; nothing where it is not. */
void api_audit_limit(struct api_request *request, const char *name, const struct api_limit *limit);

/* An act that is about to be done: its entry goes into the transaction that the act will commit, so
 * that neither is durable without the other. After an act that failed, call api_audit_undo().
 * Returns 0 or -errno. */
int api_audit_begin(struct api_request *request);
void api_audit_undo(struct api_request *request);

/* Unless that is done: writes request->what and how it was answered to the log, durably. Where that
 * fails, the answer becomes an error: an act that no log shows must not look done. */
void api_audit_write(struct api_request *request);

#endif
