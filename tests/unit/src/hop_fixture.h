/* A hop client at the relay of relay_peer.h, on a clock that the test moves. */
#ifndef TEST_HOP_FIXTURE_H
#define TEST_HOP_FIXTURE_H

#include "relay_peer.h"
#include "src/device/hop.h"

struct hop_fixture {
	struct device_hop hop;
	struct relay_peer *relay;
	struct peer_link *link;
	struct device_relay config;
	struct chappe_transport transport;
	struct chappe_counters counters;
	uint64_t saved_attempt;
	unsigned int saves;
	uint64_t inits_at_save;
	int save_error;
	unsigned int frames;
	uint64_t last_frame_id;
	int device;
};

int hop_setup(void **state);
int hop_teardown(void **state);
/* Does all that is due at this instant. */
void hop_settle(struct hop_fixture *f);
void hop_run_for(struct hop_fixture *f, uint64_t ns);
/* Connects; asserts that it worked. */
void hop_connect(struct hop_fixture *f);
/* Sends a live frame: what device_hop_send() returned. */
int hop_send_live(struct hop_fixture *f);
/* A live frame from the relay to the device. */
void hop_relay_sends(struct hop_fixture *f, struct peer_session *session, uint64_t frame_id);

#endif
