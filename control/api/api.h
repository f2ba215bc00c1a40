/* The HTTP+JSON API of chappe-control on a UNIX socket (docs/api.md). Everything runs on the
 * event-loop thread. */
#ifndef CHAPPE_CONTROL_API_H
#define CHAPPE_CONTROL_API_H

#include <sys/types.h>

struct api;
struct control;

enum { API_ERROR_BYTES = 512 };

/* Makes the socket, 0660, and gives it to the group; NULL or "" leaves the group as it is. Call it
 * before privileges drop. A socket left behind by a process that has ended is replaced, one that
 * somebody listens on is not. Returns the descriptor, which api_start() takes, or -errno with the
 * reason in error. */
int api_listen(const char *path, const char *group, char error[API_ERROR_BYTES]);

#define API_REFUSES_NOBODY ((uid_t)-1)

/* Answers requests on control's event base until api_stop(), but none of the account `refused`.
 * Returns NULL with the reason in error, and listener closed. */
struct api *api_start(
	struct control *control, int listener, uid_t refused, char error[API_ERROR_BYTES]);

/* Ends requests that wait, closes everything. The socket's file is the caller's to remove. NULL is
 * allowed. */
void api_stop(struct api *api);

#endif
