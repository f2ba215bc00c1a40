/* Control operations of devices (src/control_op.h). An operation is written to the store, then to
 * the dataplane, and answered when the dataplane has acknowledged it; its answer is remembered for
 * a minute, so that a repeated request gets the same one and changes nothing. */
#ifndef CHAPPE_CONTROL_OPERATION_H
#define CHAPPE_CONTROL_OPERATION_H

#include "operation_kept.h"
#include "src/control_op.h"
#include "src/punt_msg.h"

struct control;

/* A control frame came. */
void operation_request(struct control *control, const struct punt_record *record);
/* Makes this turn's operations durable and sends them on. */
void operation_commit(struct control *control);
/* The dataplane has answered: tag is what operation_commit() gave with the record. */
void operation_acked(struct control *control, uint64_t tag, int error);

/* operation_answer.c: what devices are told. The answer to an operation that is over, once more
 * where it is asked once more. */
void operation_answer(struct control *control, const struct operation *operation);
/* To a request that is no operation to be remembered. */
void operation_answer_status(struct control *control, const struct punt_record *record,
	uint64_t frame_id, uint16_t op, enum control_status status);
void operation_answer_limits(
	struct control *control, const struct punt_record *record, uint64_t frame_id);

#endif
