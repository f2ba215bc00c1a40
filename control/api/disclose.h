/* Inside of the disclosure: what is gathered about devices while the dataplane is asked. */
#ifndef CHAPPE_CONTROL_API_DISCLOSE_H
#define CHAPPE_CONTROL_API_DISCLOSE_H

#include "disclose_json.h"
#include "request.h"

enum { API_DISCLOSE_PAGE = 100 };

struct disclosed {
	uint32_t id, slot;
	char name[API_DEVICE_BYTES];
	json_t *records; /* by place: an array of records */
};

struct disclosed_route {
	uint32_t device; /* place in the disclosure, by id */
	uint8_t route[WIRE_ROUTE_BYTES];
};

enum disclosure_store {
	DISCLOSURE_STORE_SILENT, /* there is a message store, and it did not answer */
	DISCLOSURE_STORE_ANSWERED,
	DISCLOSURE_STORE_NONE, /* there never was one: nothing waits */
};

struct disclosure {
	uint64_t limit;
	uint32_t count;
	bool more, connected;
	enum disclosure_store store;
	struct disclosed_route *routes; /* to ask the message store about */
	uint32_t route_count, route_room, route_next;
	void (*then)(struct api_request *request);
	struct disclosed devices[];
};

/* All places of devices, with the row of the store. */
json_t *disclose_records(const struct store_device *device);
void disclose_invitation(json_t *records, const struct store_invitation *invitation);
/* Adds the routes of the device at a place, noted for the message store too, and what control has
 * in memory. 0 or -errno. */
int disclose_control(struct control *control, struct disclosure *disclosure, uint32_t place);
/* Adds what waits under the routes noted, then goes on; request->work is the disclosure. */
void disclose_store(struct api_request *request, void (*then)(struct api_request *request));
int disclosure_note_route(
	struct disclosure *disclosure, uint32_t device, const uint8_t route[WIRE_ROUTE_BYTES]);
void disclosure_forget_routes(struct disclosure *disclosure);
json_t *disclosure_store_json(const struct disclosure *disclosure);
/* Adds a live session. */
void disclose_session(json_t *records, const struct table_session *session);

#endif
