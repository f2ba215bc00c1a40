/* Inside of the disclosure: what is gathered about devices while the dataplane is asked. */
#ifndef CHAPPE_CONTROL_API_DISCLOSE_H
#define CHAPPE_CONTROL_API_DISCLOSE_H

#include "api_request.h"
#include "disclose.h"

enum { API_DISCLOSE_PAGE = 100 };

struct disclosed {
	uint32_t id, slot;
	char name[API_DEVICE_BYTES];
	json_t *records; /* by place: an array of records */
};

struct disclosure {
	uint64_t limit;
	uint32_t count;
	bool more, connected;
	struct disclosed devices[];
};

/* All places of devices, with the row of the store. */
json_t *disclose_records(const struct store_device *device);
void disclose_invitation(json_t *records, const struct store_invitation *invitation);
/* Adds the device's routes and what control has in memory. 0 or -errno. */
int disclose_control(struct control *control, struct disclosed *device);
/* Adds a live session. */
void disclose_session(json_t *records, const struct table_session *session);

#endif
