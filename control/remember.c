/* What control holds in memory about sessions and for a short while about devices (control.h). */
#include "control.h"
#include "state.h"

#include <sodium.h>

void control_pendings(
	const struct control *control, uint32_t id, control_pending_visit *visit, void *arg)
{
	const struct directory *directory = &control->directory;

	for (uint32_t i = 0; i < directory->pendings.capacity; i++) {
		const struct pending *pending = &directory->pendings.all[i];
		struct control_pending_memory memory;

		if (!pending->used || control_device_in_slot(control, pending->slot) != id)
			continue;
		memory.attempt = pending->attempt;
		memory.index = pending->index;
		memory.slot = pending->slot;
		memory.sent = pending->sent;
		visit(arg, &memory);
	}
}

void control_operations(
	const struct control *control, uint32_t id, control_operation_visit *visit, void *arg)
{
	for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
		const struct operation *operation = &control->operations.all[i];
		struct control_operation_memory memory;

		if (operation->state == OPERATION_FREE || operation->device != id)
			continue;
		memory = (struct control_operation_memory){
			.frame_id = operation->frame_id,
			.at_s = operation->at_s,
			.slot = operation->slot,
			.session = operation->session,
			.op = operation->op,
			.status = operation->status,
			.flags = operation->flags,
			.frame_bytes = operation->frame_bytes,
			.answered = operation->state == OPERATION_DONE,
		};
		memcpy(memory.route, operation->route, sizeof memory.route);
		visit(arg, &memory);
		sodium_memzero(&memory, sizeof memory);
	}
}

uint32_t control_session_count(const struct control *control)
{
	return control->directory.sessions;
}
