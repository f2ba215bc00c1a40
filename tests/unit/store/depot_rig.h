/* For tests of the depot: one in a directory of its own, and frames of known content. */
#ifndef CHAPPE_TEST_STORE_DEPOT_RIG_H
#define CHAPPE_TEST_STORE_DEPOT_RIG_H

#include "files.h"

#include "store/depot_private.h"

enum { NOW = 29000000, SMALL = 480, LARGE = 1200, DEVICES = 8 };

extern const struct depot_limits generous;
extern struct depot *depot;
extern struct depot_report report; /* of the last start */

/* cmocka's setup and teardown: an empty depot at minute NOW. */
int setup(void **state);
int teardown(void **state);
/* As after a restart. */
void reopen(uint32_t now);
void reopen_with(const struct depot_limits *limits, uint32_t now);

/* The same cell for the same numbers: LARGE for an odd frame_id, else SMALL. */
const struct wire_inner *cell(uint8_t route, uint64_t frame_id);
enum depot_verdict take(uint8_t route, uint64_t frame_id);
int received(uint8_t route, uint64_t frame_id);
const struct mailbox *box_of(uint8_t route);
/* That the message at this place of a route's mailbox is that cell. */
void assert_waits(uint8_t route, uint32_t at, uint64_t frame_id);
/* All steps of a sweep at a minute, and a commit. */
void sweep(uint32_t now);

#endif
