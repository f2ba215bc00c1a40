/* Sessions and endpoints as JSON, for lists and for the disclosure. */
#ifndef CHAPPE_CONTROL_API_ENDPOINT_H
#define CHAPPE_CONTROL_API_ENDPOINT_H

#include "control/control.h"
#include <jansson.h>

json_t *api_endpoint_json(const struct endpoint *endpoint); /* null where there is none */
json_t *api_session_json(struct control *control, const struct table_session *session);

#endif
