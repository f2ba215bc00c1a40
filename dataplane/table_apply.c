/* What control says: hello, then records for the tables. */
#include "table_link_private.h"

#include "send.h"
#include <errno.h>
#include <stdio.h>

/* Leases up to count indices of an owner and tells control. Returns 0, or -ENOSPC where there is
 * not one left. */
static int table_link_lease(struct table_link *table, uint32_t owner, uint32_t count)
{
	uint32_t indices[TABLE_LINK_LEASES_MAX], n = 0;
	int result = 0;
	while (n < count && n < TABLE_LINK_LEASES_MAX && result == 0) {
		result = tables_lease(table->dataplane->tables, owner, &indices[n]);
		if (result < 0)
			break;
		uint32_t slot = wire_index_slot(indices[n]);
		table->leases[slot] = (struct table_lease){ .index = indices[n], .open = true };
		if (slot >= table->slots)
			table->slots = slot + 1;
		n++;
	}
	if (n > 0)
		table_link_add(table, TABLE_LEASE, 0, 0, indices, n, sizeof *indices);
	return n > 0 || count == 0 ? 0 : result;
}

/* All owners' blocks together are at most a quarter of the table. */
void table_link_greet(struct table_link *table, const struct table_hello *hello)
{
	struct dataplane *dataplane = table->dataplane;
	uint32_t block = dataplane->config.devices / (4 * dataplane->worker_count);
	if (hello->version != TABLE_VERSION) {
		fprintf(stderr, "error table.sock: control speaks version %u, this is %d\n",
			hello->version, TABLE_VERSION);
		table_link_lose(table, "other version");
		return;
	}
	table->greeted = true;
	secrets_set(&dataplane->secrets, hello->relay_public, hello->reset_secret);
	if (block < 1)
		block = 1;
	for (uint32_t owner = 0; owner < dataplane->worker_count; owner++)
		(void)table_link_lease(
			table, owner, block < TABLE_LINK_LEASES ? block : TABLE_LINK_LEASES);
	(void)table_link_ask_dump(table, 0);
}

static int table_link_install(struct table_link *table, const struct table_install *install)
{
	struct dataplane *dataplane = table->dataplane;
	struct table_lease *lease = &table->leases[wire_index_slot(install->index)];
	const struct endpoint *to = &install->endpoint;
	if (!lease->open || lease->index != install->index || to->port >= dataplane->ports.count ||
		(to->family != 4 && to->family != 6))
		return -EINVAL;
	int result = tables_session_install(dataplane->tables, install);
	if (result < 0)
		return result;
	lease->open = false;
	lease->device = install->device;
	/* A response that finds no room is as one lost on the way: the device asks again. */
	(void)send_raw(dataplane, wire_index_owner(install->index), to, install->response,
		sizeof install->response);
	return 0;
}

static int table_link_lease_get(struct table_link *table, const struct table_lease_get *get)
{
	if (get->owner >= table->dataplane->worker_count || get->count > TABLE_LINK_LEASES_MAX)
		return -EINVAL;
	return table_link_lease(table, get->owner, get->count);
}

int table_link_apply(struct table_link *table, uint16_t op, const void *record)
{
	struct tables *tables = table->dataplane->tables;
	switch (op) {
	case TABLE_DEVICE_SET:
		return tables_device_set(tables, record);
	case TABLE_DEVICE_REMOVE:
		return tables_device_remove(tables, *(const uint32_t *)record);
	case TABLE_ROUTE_SET:
		return tables_route_set(tables, record);
	case TABLE_ROUTE_REMOVE:
		return tables_route_remove(tables, ((const struct table_route *)record)->route);
	case TABLE_SESSION_INSTALL:
		return table_link_install(table, record);
	case TABLE_SESSION_KEEP:
		return tables_session_keep(tables, *(const uint32_t *)record);
	case TABLE_SESSION_REMOVE:
		return tables_session_remove(tables, *(const uint32_t *)record, TABLE_END_REMOVED);
	case TABLE_LEASE_GET:
		return table_link_lease_get(table, record);
	default:
		return -EINVAL;
	}
}
