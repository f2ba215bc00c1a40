/* The message store in answers of the API. */
#ifndef CHAPPE_CONTROL_API_STORE_H
#define CHAPPE_CONTROL_API_STORE_H

#include "request.h"

/* What /v1/status says of it, from what control heard last. */
json_t *api_store_summary(const struct control *control, int64_t now_s);

/* Answers the request where the message store could not be asked, or answered with an error: what
 * was asked is for people. False where all is well. */
bool api_store_refused(
	struct api_request *request, int error, const struct admin_reply *reply, const char *doing);

#endif
