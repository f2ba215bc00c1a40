/* Memory of the tables, devices, synchronisation. */
#include "tables_private.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

/* Session slots = devices * 1.125: room for the old session that lives on beside a new one. */
static uint32_t slots_of(uint32_t devices)
{
	return devices + (devices + 7) / 8;
}

uint64_t tables_memory_bytes(const struct tables_limits *limits)
{
	const uint64_t slots = slots_of(limits->devices_max);

	return slots * (sizeof(struct session) + sizeof(struct slot) + sizeof(uint32_t)) +
	       limits->devices_max * (sizeof(struct device) + sizeof(uint32_t)) +
	       LIMIT_CLASSES * sizeof(struct limit_class) + sizeof(struct tables) +
	       routes_memory_bytes(limits);
}

/* Keys stay out of swap and out of core dumps. Rounded outward to the pages that hold them. */
static int protect(void *memory, size_t bytes)
{
	const struct rte_memseg *segment = rte_mem_virt2memseg(memory, NULL);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	if (segment != NULL && segment->hugepage_sz > page)
		page = segment->hugepage_sz;
	const uintptr_t start = RTE_ALIGN_FLOOR((uintptr_t)memory, page);
	const uintptr_t end = RTE_ALIGN_CEIL((uintptr_t)memory + bytes, page);
	if (madvise((void *)start, end - start, MADV_DONTDUMP) < 0 ||
		mlock((void *)start, end - start) < 0)
		return -errno;
	return 0;
}

static int allocate(struct tables *tables, int socket)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uint32_t devices = tables->max.devices_max;
	struct tables_view *view = &tables->view;

	view->devices = devices;
	view->slots = slots_of(devices);
	const size_t session_bytes = RTE_ALIGN_CEIL(view->slots * sizeof(struct session), page);
	tables->sessions = rte_zmalloc_socket("sessions", session_bytes, (unsigned)page, socket);
	tables->current = rte_zmalloc_socket(
		"current sessions", devices * sizeof *tables->current, RTE_CACHE_LINE_SIZE, socket);
	tables->limits.classes =
		rte_zmalloc_socket("limits", LIMIT_CLASSES * sizeof *tables->limits.classes,
			sizeof *tables->limits.classes, socket);
	tables->slots = rte_zmalloc_socket("slots", view->slots * sizeof *tables->slots, 0, socket);
	tables->slot_next =
		rte_zmalloc_socket("slot links", view->slots * sizeof(uint32_t), 0, socket);
	tables->devices =
		rte_zmalloc_socket("devices", devices * sizeof *tables->devices, 0, socket);
	if (tables->sessions == NULL || tables->current == NULL || tables->limits.classes == NULL ||
		tables->slots == NULL || tables->slot_next == NULL || tables->devices == NULL)
		return -ENOMEM;
	int result = protect(tables->sessions, session_bytes);
	if (result < 0)
		return result;
	sessions_init(tables);
	return routes_init(tables, socket);
}

struct tables *tables_create(const struct tables_limits *limits, struct rte_rcu_qsbr *qsbr)
{
	const int socket = (int)rte_socket_id();
	int result = -EINVAL;

	if (limits->devices_max == 0 || limits->owners == 0 ||
		limits->owners > 1 << WIRE_INDEX_OWNER_BITS ||
		slots_of(limits->devices_max) >= 1 << WIRE_INDEX_SLOT_BITS) {
		errno = EINVAL;
		return NULL;
	}
	struct tables *tables = rte_zmalloc_socket("tables", sizeof *tables, 0, socket);
	if (tables == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	tables->max = *limits;
	tables->qsbr = qsbr;
	tables->hz = rte_get_tsc_hz();
	result = aead_init(&tables->aead);
	if (result == 0)
		result = allocate(tables, socket);
	if (result < 0) {
		tables_destroy(tables);
		errno = -result;
		return NULL;
	}
	tables->view.sessions = tables->sessions;
	tables->view.current = tables->current;
	tables->view.limits = tables->limits.classes;
	return tables;
}

void tables_destroy(struct tables *tables)
{
	if (tables == NULL)
		return;
	routes_fini(tables);
	if (tables->sessions != NULL)
		sodium_memzero(tables->sessions, tables->view.slots * sizeof(struct session));
	rte_free(tables->sessions);
	rte_free(tables->current);
	rte_free(tables->limits.classes);
	rte_free(tables->slots);
	rte_free(tables->slot_next);
	rte_free(tables->devices);
	aead_fini(&tables->aead);
	rte_free(tables);
}

const struct tables_view *tables_view(const struct tables *tables)
{
	return &tables->view;
}

uint32_t tables_suites(const struct tables *tables)
{
	return aead_suites(&tables->aead);
}

int tables_device_set(struct tables *tables, const struct table_device *set)
{
	if (set->slot >= tables->max.devices_max)
		return -EINVAL;
	struct device *device = &tables->devices[set->slot];
	uint32_t limits;
	int result = limit_take(
		&tables->limits, tables->qsbr, set->frames_per_s, set->bytes_per_s, &limits);
	if (result < 0)
		return result;
	const uint32_t before = device->limits;
	device->limits = limits;
	device->set = device->named = true;
	sessions_set_limits(tables, set->slot);
	limit_give(&tables->limits, tables->qsbr, before);
	return 0;
}

int tables_device_remove(struct tables *tables, uint32_t slot)
{
	if (slot >= tables->max.devices_max)
		return -EINVAL;
	struct device *device = &tables->devices[slot];
	if (!device->set && device->sessions == TABLES_NONE)
		return -ENOENT;
	sessions_end_of_device(tables, slot);
	routes_remove_of_device(tables, slot);
	limit_give(&tables->limits, tables->qsbr, device->limits);
	device->limits = LIMIT_NONE;
	device->set = false;
	return 0;
}

void tables_sync_begin(struct tables *tables)
{
	for (uint32_t i = 0; i < tables->max.devices_max; i++)
		tables->devices[i].named = false;
	routes_sync_begin(tables);
	sessions_sync_begin(tables);
}

void tables_sync_end(struct tables *tables)
{
	for (uint32_t i = 0; i < tables->max.devices_max; i++)
		if (tables->devices[i].set && !tables->devices[i].named)
			tables_device_remove(tables, i);
	routes_sync_end(tables);
	sessions_sync_end(tables);
}
