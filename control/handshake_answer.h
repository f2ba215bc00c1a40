/* What a device is told that has shaken hands: the payload of message 2. */
#ifndef CHAPPE_CONTROL_HANDSHAKE_ANSWER_H
#define CHAPPE_CONTROL_HANDSHAKE_ANSWER_H

#include "src/wire.h"

struct control;
struct job;

/* Fills job->answer, and counts it. With WIRE_STATUS_OK the job has its index and slot. */
void handshake_answer(struct control *control, struct job *job, enum wire_status status);

#endif
