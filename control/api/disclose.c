/* What the relay holds, read from the live store and tables: /v1/disclosure for the relay as a
 * whole, /v1/disclosure/devices for devices page by page, /v1/devices/DEVICE/disclosure for one. */
#include "disclose.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int compare_slots(const void *a, const void *b)
{
	const uint32_t x = ((const struct disclosed *)a)->slot;
	const uint32_t y = ((const struct disclosed *)b)->slot;
	return x < y ? -1 : x > y;
}

static int compare_ids(const void *a, const void *b)
{
	const uint32_t x = ((const struct disclosed *)a)->id;
	const uint32_t y = ((const struct disclosed *)b)->id;
	return x < y ? -1 : x > y;
}

static void on_session(void *arg, const struct table_session *session)
{
	struct api_request *request = arg;
	struct disclosure *disclosure = request->work;
	const struct disclosed wanted = { .slot = session->device };
	struct disclosed *device = bsearch(
		&wanted, disclosure->devices, disclosure->count, sizeof wanted, compare_slots);
	if (device != NULL && device->slot != STORE_NO_SLOT)
		disclose_session(device->records, session);
}

static void reply(struct api_request *request, const struct disclosure *disclosure)
{
	json_t *devices = json_array();
	char next[16];
	for (uint32_t i = 0; i < disclosure->count; i++)
		json_array_append_new(
			devices, json_pack("{s:s,s:O}", "device", disclosure->devices[i].name,
					 "records", disclosure->devices[i].records));
	snprintf(next, sizeof next, "%u",
		disclosure->count > 0 ? disclosure->devices[disclosure->count - 1].id : 0);
	api_reply(request,
		json_pack("{s:o,s:b,s:o,s:o,s:o,s:o,s:s?}", "at", api_time_json(time(NULL)),
			"dataplane_connected", disclosure->connected, "message_store",
			disclosure_store_json(disclosure), "places",
			disclose_places(DISCLOSE_SCOPE_device), "devices", devices, "not_kept",
			disclose_absent(), "next", disclosure->more ? next : NULL));
}

/* Without the dataplane's part: the answer says that it is missing. */
static void finish_alone(struct api_request *request)
{
	struct disclosure *disclosure = request->work;
	qsort(disclosure->devices, disclosure->count, sizeof disclosure->devices[0], compare_ids);
	reply(request, disclosure);
}

static void on_done(void *arg, int error)
{
	struct api_request *request = arg;
	struct disclosure *disclosure = request->work;
	disclosure->connected = error == 0;
	finish_alone(request);
	api_answered(request);
}

static void disclosure_free(void *work)
{
	struct disclosure *disclosure = work;
	for (uint32_t i = 0; i < disclosure->count; i++)
		json_decref(disclosure->devices[i].records);
	disclosure_forget_routes(disclosure);
	free(disclosure);
}

static int collect(void *arg, const struct store_device *device)
{
	struct disclosure *disclosure = arg;
	if (disclosure->count == disclosure->limit) {
		disclosure->more = true;
		return 1;
	}
	struct disclosed *row = &disclosure->devices[disclosure->count++];
	row->id = device->id;
	row->slot = device->slot;
	api_device_name(device, row->name);
	row->records = disclose_records(device);
	return 0;
}

static struct disclosure *disclosure_new(struct api_request *request, uint64_t limit)
{
	struct disclosure *disclosure =
		calloc(1, sizeof *disclosure + limit * sizeof disclosure->devices[0]);
	if (disclosure == NULL)
		api_fail_errno(request, -ENOMEM, "disclosing");
	else
		disclosure->limit = limit;
	return disclosure;
}

static int add_invitation(void *arg, const struct store_invitation *invitation)
{
	const struct disclosure *disclosure = arg;
	const struct disclosed wanted = { .id = invitation->device };
	const struct disclosed *device = bsearch(
		&wanted, disclosure->devices, disclosure->count, sizeof wanted, compare_ids);
	if (device != NULL)
		disclose_invitation(device->records, invitation);
	return 0;
}

static int add_control(struct control *control, struct disclosure *disclosure)
{
	int r = store_invitations(control_store(control), add_invitation, disclosure);
	for (uint32_t i = 0; r == 0 && i < disclosure->count; i++)
		r = disclose_control(control, disclosure, i);
	return r;
}

static void on_done_alone(struct api_request *request)
{
	finish_alone(request);
	if (request->suspended)
		api_answered(request);
}

static void ask_dataplane(struct api_request *request)
{
	struct disclosure *disclosure = request->work;
	qsort(disclosure->devices, disclosure->count, sizeof disclosure->devices[0], compare_slots);
	if (control_sessions(request->control, on_session, on_done, request) != 0)
		on_done_alone(request);
}

/* The rows of the devices are there, by id; adds what else control has, then asks the message store
 * and the dataplane. */
static void fill(struct api_request *request, struct disclosure *disclosure)
{
	const int r = add_control(request->control, disclosure);
	if (r != 0) {
		disclosure_free(disclosure);
		api_fail_errno(request, r, "disclosing");
		return;
	}
	api_wait(request, disclosure, disclosure_free, finish_alone);
	disclose_store(request, ask_dataplane);
}

void api_device_disclosure_get(struct api_request *request)
{
	struct store_device device;
	if (!api_find_device(request, &device))
		return;
	struct disclosure *disclosure = disclosure_new(request, 1);
	if (disclosure != NULL)
		collect(disclosure, &device);
	sodium_memzero(&device, sizeof device);
	if (disclosure != NULL)
		fill(request, disclosure);
}

void api_disclosure_devices_get(struct api_request *request)
{
	uint64_t limit = API_DISCLOSE_PAGE, after = 0;
	if (!api_query_number(request, "limit", 1, API_DISCLOSE_PAGE, &limit) ||
		!api_query_number(request, "after", 0, UINT32_MAX, &after))
		return;
	struct disclosure *disclosure = disclosure_new(request, limit);
	if (disclosure == NULL)
		return;
	const int r = store_devices_after(
		control_store(request->control), (uint32_t)after, collect, disclosure);
	if (r >= 0) {
		fill(request, disclosure);
		return;
	}
	disclosure_free(disclosure);
	api_fail_errno(request, r, "disclosing");
}

void api_disclosure_get(struct api_request *request)
{
	struct store_counts counts;
	const int r = store_counts(control_store(request->control), time(NULL), &counts);
	if (r != 0) {
		api_fail_errno(request, r, "counting");
		return;
	}
	json_t *key = disclose_record(DISCLOSE_relay_key);
	json_t *secret = disclose_record(DISCLOSE_table_secret);
	disclose_set(key, "secret", disclose_secret(WIRE_KEY_BYTES));
	disclose_set(secret, "name", json_string("reset"));
	disclose_set(secret, "value", disclose_secret(RESET_SECRET_BYTES));
	api_reply(request,
		json_pack("{s:o,s:o,s:{s:[o],s:[o]},s:{s:I,s:I,s:I,s:I,s:I,s:I},s:o}", "at",
			api_time_json(time(NULL)), "places", disclose_places(DISCLOSE_SCOPE_relay),
			"records", disclose_id(DISCLOSE_relay_key), key,
			disclose_id(DISCLOSE_table_secret), secret, "counts", "devices",
			(json_int_t)counts.devices, "devices_revoked", (json_int_t)counts.revoked,
			"routes", (json_int_t)counts.routes, "invitations_open",
			(json_int_t)counts.invitations_open, "audit_entries",
			(json_int_t)counts.audits, "erasures", (json_int_t)counts.erasures,
			"not_kept", disclose_absent()));
}
