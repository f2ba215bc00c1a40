/* Who may come in: what the store and the directory know of who sent an init, once it is opened. */
#ifndef CHAPPE_CONTROL_HANDSHAKE_DECIDE_H
#define CHAPPE_CONTROL_HANDSHAKE_DECIDE_H

#include "responder.h"

struct control;

/* What they get, as far as the store knows who they are. */
struct handshake_decision {
	enum wire_status status;
	uint32_t slot; /* of a device, or the one to take for an invitation */
};

/* Finds whose psk to answer with, which goes into the job, and what. False: silence. */
bool handshake_decide(
	struct control *control, struct job *job, struct handshake_decision *decision);

#endif
