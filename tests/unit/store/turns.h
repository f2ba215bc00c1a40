/* A service and the dataplane's side of it, turn by turn, with a clock of the test's own. */
#ifndef CHAPPE_TEST_STORE_TURNS_H
#define CHAPPE_TEST_STORE_TURNS_H

#include "files.h"
#include "relay.h"

#include "store/service.h"

enum { SMALL = 480, LARGE = 1200, WORKERS = 2 };

extern struct service service;
extern struct relay relay;
extern uint64_t now_us;

/* A store that is connected, and the end of it. cmocka's setup and teardown. */
int turns_setup(void **state);
int turns_teardown(void **state);
void open_service(void);
void connect_both(void);

void turn(void);
/* Turns until the disk has what was taken, and one more for what it had before. */
void settle(void);

/* Takes the next record, which must be there and of a kind. */
struct share_down next_down(uint16_t kind);
void assert_nothing_down(void);
void assert_delivers(uint64_t route, uint64_t frame_id, uint32_t len);
void assert_accepts(uint32_t index, uint64_t route, uint64_t frame_id);
/* Takes all that is down; how many are of a kind. */
uint32_t drain(uint16_t kind);

/* Sends one frame and sees it accepted; sends many for one route, ids from first on. */
void store(uint32_t device, uint64_t route, uint64_t frame_id, uint32_t len);
void store_many(uint32_t device, uint64_t route, uint64_t first, uint64_t count);

#endif
