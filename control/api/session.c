/* /v1/sessions and the sessions of a device, asked of the dataplane. */
#include "endpoint.h"
#include "request.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The page as it grows: those with the smallest indices above after. Rows are appended up to twice
 * the limit, then the larger half is thrown away, so that memory is bounded whatever the dataplane
 * holds. */
struct page {
	uint32_t slot; /* of the device asked for */
	bool one_device, from_start, more;
	uint32_t after;
	size_t limit, count;
	struct table_session rows[];
};

static int compare(const void *a, const void *b)
{
	const uint32_t x = ((const struct table_session *)a)->index;
	const uint32_t y = ((const struct table_session *)b)->index;
	return x < y ? -1 : x > y;
}

static void trim(struct page *page)
{
	qsort(page->rows, page->count, sizeof page->rows[0], compare);
	if (page->count > page->limit) {
		page->count = page->limit;
		page->more = true;
	}
}

static void on_session(void *arg, const struct table_session *session)
{
	struct api_request *request = arg;
	struct page *page = request->work;
	if (page->one_device && session->device != page->slot)
		return;
	if (!page->from_start && session->index <= page->after)
		return;
	page->rows[page->count++] = *session;
	if (page->count == 2 * page->limit)
		trim(page);
}

json_t *api_session_json(struct control *control, const struct table_session *session)
{
	struct store_device device;
	char index[API_HEX_BYTES], peer[API_HEX_BYTES], name[API_DEVICE_BYTES];
	const uint32_t id = control_device_in_slot(control, session->device);
	const bool known = id != 0 && store_device_get(control_store(control), id, &device) == 0;
	json_t *object = json_pack("{s:s,s:s?,s:I,s:s,s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o}",
		"session", api_index(session->index, index), "device",
		known ? api_device_name(&device, name) : NULL, "slot", (json_int_t)session->device,
		"state", session->confirmed ? "confirmed" : "pending", "owner",
		(json_int_t)wire_index_owner(session->index), "peer_index",
		api_index(session->peer_index, peer), "suite", api_suite(session->suite),
		"expires_in_s", (json_int_t)session->expires_in_s, "keepalive_s",
		(json_int_t)session->keepalive_s, "highest_received",
		(json_int_t)session->highest_received, "next_to_send",
		(json_int_t)session->next_to_send, "endpoint",
		api_endpoint_json(&session->endpoint), "candidate",
		api_endpoint_json(&session->candidate));
	sodium_memzero(&device, sizeof device);
	return object;
}

static void on_done(void *arg, int error)
{
	struct api_request *request = arg;
	struct page *page = request->work;
	char next[16];
	if (error != 0) {
		api_fail_errno(request, -ENOTCONN, "listing sessions");
		api_answered(request);
		return;
	}
	trim(page);
	json_t *rows = json_array();
	for (size_t i = 0; i < page->count; i++)
		json_array_append_new(rows, api_session_json(request->control, &page->rows[i]));
	snprintf(next, sizeof next, "%u", page->count > 0 ? page->rows[page->count - 1].index : 0);
	api_reply(request,
		json_pack("{s:o,s:s?}", "sessions", rows, "next", page->more ? next : NULL));
	api_answered(request);
}

void api_sessions_get(struct api_request *request)
{
	struct store_device device;
	uint64_t limit = API_PAGE_MAX, after = UINT64_MAX;
	if (!api_query_number(request, "limit", 1, API_PAGE_MAX, &limit) ||
		!api_query_number(request, "after", 0, UINT32_MAX, &after))
		return;
	const bool one_device = request->path.device[0] != '\0';
	if (one_device && !api_find_device(request, &device))
		return;
	struct page *page = calloc(1, sizeof *page + 2 * limit * sizeof page->rows[0]);
	if (page == NULL) {
		api_fail_errno(request, -ENOMEM, "listing sessions");
		return;
	}
	page->one_device = one_device;
	page->slot = one_device ? device.slot : 0;
	page->from_start = after == UINT64_MAX;
	page->after = (uint32_t)after;
	page->limit = limit;
	sodium_memzero(&device, sizeof device);
	api_wait(request, page, free, NULL);
	const int r = control_sessions(request->control, on_session, on_done, request);
	if (r != 0)
		api_fail_errno(request, r, "listing sessions");
}
