/* The tables and links of the rig's dataplane; for the rig's own files. */
#ifndef CHAPPE_TEST_RIG_TABLES_H
#define CHAPPE_TEST_RIG_TABLES_H

#include "rig.h"

struct rig_session *rig_find_session(struct rig *rig, uint32_t index);
/* Does what record i of a message asks. Returns 0 or -errno. */
int rig_apply(struct rig *rig, uint16_t op, const uint8_t *records, uint32_t i);
void rig_sync_begin(struct rig *rig);
void rig_sync_end(struct rig *rig);

/* Takes connections and messages that are there, and answers; false where there were none. */
bool rig_serve(struct rig *rig);

#endif
