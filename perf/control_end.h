/* Control's end of the `table` link (src/table_msg.h), as far as installing sessions needs one. */
#ifndef CHAPPE_PERF_CONTROL_END_H
#define CHAPPE_PERF_CONTROL_END_H

#include "src/table_msg.h"

#include <stdbool.h>

enum {
	CONTROL_END_INSTALLS =
		(TABLE_MESSAGE_BYTES - sizeof(struct table_head)) / sizeof(struct table_install),
	CONTROL_END_LEASES = 1 << 16,
};

struct control_end {
	int socket;
	uint64_t seq, acked; /* messages sent, and acknowledged */
	bool lease_asked;
	uint32_t leases[CONTROL_END_LEASES], first, count; /* ring */
	uint32_t *indices;         /* of the sessions installed last, by device */
	uint64_t confirmed, ended; /* sessions */
	bool dump_complete;
	uint64_t counters[2][128]; /* of worker and main lcore, in the order of COUNTERS */
	uint32_t counters_received;
	_Alignas(8) uint8_t in[TABLE_MESSAGE_BYTES], out[TABLE_MESSAGE_BYTES];
};

/* Connects to the dataplane of run_dir, greets it and names so many devices. */
void control_end_connect(struct control_end *end, const char *run_dir, uint32_t devices);
/* Installs n sessions, of the devices from first on. Returns when all of them are acknowledged. */
void control_end_install(struct control_end *end, uint32_t first, uint32_t n);
/* A session's keys follow from its index. */
enum control_end_direction { CONTROL_END_RECEIVE, CONTROL_END_SEND }; /* as the relay sees it */
void control_end_key(
	uint32_t index, enum control_end_direction direction, uint8_t key[WIRE_KEY_BYTES]);
/* Takes what the dataplane says, and waits for it a while. False: it said nothing. */
bool control_end_hear(struct control_end *end, int wait_ms);
/* A counter of the worker and of the main lcore together. */
uint64_t control_end_counter(struct control_end *end, uint32_t counter);
void control_end_close(struct control_end *end);

#endif
