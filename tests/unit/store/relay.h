/* The dataplane's side of store.sock, for tests: in this process, step by step. */
#ifndef CHAPPE_TEST_STORE_RELAY_H
#define CHAPPE_TEST_STORE_RELAY_H

#include "store/link_msg.h"
#include "store/share.h"

enum { RELAY_DEVICES = 64 };

struct relay {
	int listener, socket, memory;
	int bell, handed; /* a pair, of which the store gets the second */
	struct share share;
	char path[108];
};

/* Listens on store.sock in a directory. */
void relay_listen(struct relay *relay, const char *run_dir);
/* Takes who connects, sends the hello. False where nobody waits. */
bool relay_accept(struct relay *relay, uint32_t workers);
/* Whether `ready` has come. */
bool relay_is_ready(const struct relay *relay);
void relay_hang_up(struct relay *relay);
void relay_close(struct relay *relay);

/* The same cell for the same numbers; len is 480 or 1200. */
void relay_cell(uint8_t *bytes, uint32_t len, uint8_t kind, uint64_t route, uint64_t frame_id);
/* What a worker writes: false where its ring is full. */
bool relay_stored(struct relay *relay, uint32_t worker, uint32_t device, uint32_t index,
	uint64_t route, uint64_t frame_id, uint32_t len);
bool relay_received(
	struct relay *relay, uint32_t worker, uint32_t device, uint64_t route, uint64_t frame_id);
bool relay_event(struct relay *relay, enum share_event_kind kind, uint32_t device, uint64_t route);
void relay_ring(const struct relay *relay);
/* What chappe-store asks for next; false where there is nothing. Fails the test for a record that
 * must not be. */
bool relay_take(struct relay *relay, struct share_down *record);
/* The route of a record, as it was given. */
uint64_t relay_route(const struct share_down *record);
uint64_t relay_frame_id(const struct share_down *record);

#endif
