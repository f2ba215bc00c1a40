/* Control's end of the `table` link (src/table_msg.h), as far as installing sessions needs one. */
#ifndef CHAPPE_PERF_CONTROL_END_H
#define CHAPPE_PERF_CONTROL_END_H

#include "src/table_msg.h"

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
	uint64_t ended;                                    /* sessions */
	uint64_t dumped; /* sessions named in answers to SESSION_LIST */
	bool dump_complete;
	uint64_t counters[2][128]; /* of worker and main lcore, in the order of COUNTERS */
	uint32_t counters_received;
	uint64_t random;
	_Alignas(8) uint8_t in[TABLE_MESSAGE_BYTES], out[TABLE_MESSAGE_BYTES];
};

/* Connects to the dataplane of run_dir, greets it and names so many devices. */
void control_end_connect(struct control_end *end, const char *run_dir, uint32_t devices);
/* Installs n sessions, of the devices from first on. Returns when all of them are acknowledged. */
void control_end_install(struct control_end *end, uint32_t first, uint32_t n);
/* Live sessions of the dataplane. */
uint64_t control_end_sessions(struct control_end *end);
/* A counter of the worker and of the main lcore together. */
uint64_t control_end_counter(struct control_end *end, uint32_t counter);
void control_end_close(struct control_end *end);

#endif
