/* Errors of the HTTP API, one line each: name, code on the wire, HTTP status, exit status of
 * chappectl, help. docs/api.md has the same table. */
#ifndef CHAPPE_CONTROL_API_ERROR_H
#define CHAPPE_CONTROL_API_ERROR_H

#define API_ERRORS(X)                                                                              \
	X(BAD_REQUEST, "bad_request", 400, 2, "the request can't be understood")                   \
	X(FORBIDDEN, "forbidden", 403, 6, "the relay's processes may not administer it")           \
	X(NOT_FOUND, "not_found", 404, 4, "no such device, route or resource")                     \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, 2, "the resource has no such method")     \
	X(AMBIGUOUS, "ambiguous", 409, 5, "the name fits more than one")                           \
	X(CONFLICT, "conflict", 409, 5, "the state of the relay doesn't allow it")                 \
	X(TOO_LARGE, "too_large", 413, 2, "the body is too long")                                  \
	X(INTERNAL, "internal", 500, 1, "the store failed")                                        \
	X(DATAPLANE_DOWN, "dataplane_down", 503, 7, "chappe-dataplane is not connected")           \
	X(TIMEOUT, "timeout", 504, 7, "chappe-dataplane did not answer in time")                   \
	X(STORE_DOWN, "store_down", 503, 9, "chappe-store is not connected")                       \
	X(STORE_TIMEOUT, "store_timeout", 504, 9, "chappe-store did not answer in time")           \
	X(FULL, "full", 507, 8, "a table is full")

enum api_error {
	API_OK = 0,
#define X(name, code, status, exit, help) API_##name,
	API_ERRORS(X)
#undef X
};

#endif
