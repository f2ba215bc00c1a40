/* What the main lcore has sent by a worker: a buffer in the inject ring of an owner. */
#ifndef CHAPPE_DATAPLANE_SEND_H
#define CHAPPE_DATAPLANE_SEND_H

#include "dataplane.h"

/* Sends bytes as they are to an endpoint. len is 512 or 1232. Returns 0; -EINVAL where the owner or
 * the endpoint can't be; -ENOBUFS where ring or pool is full (counted). */
int send_raw(struct dataplane *dataplane, uint32_t owner, const struct endpoint *endpoint,
	const uint8_t *bytes, uint32_t len);

/* Whether an owner's inject ring has room for that many frames. */
bool send_room(const struct dataplane *dataplane, uint32_t owner, uint32_t frames);

/* Seals inner header and payload, 480 or 1200 bytes, for a session and sends it. As above. */
int send_session(struct dataplane *dataplane, uint32_t index, const uint8_t *inner, uint32_t len);

#endif
