/* The command line of chappe-loadgen. */
#ifndef CHAPPE_LOADGEN_OPTIONS_H
#define CHAPPE_LOADGEN_OPTIONS_H

#include "src/wire.h"
#include <stdbool.h>
#include <sys/types.h>

enum { OPTIONS_EAL_MAX = 64, OPTIONS_PIDS_MAX = 8 };

struct options {
	/* devices */
	const char *invitations, *keys;
	uint32_t devices;    /* 0: as many as there are invitations and keys */
	uint32_t handshakes; /* under way at once */
	enum wire_suite suite;
	uint32_t connect_s;
	/* network; addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d */
	bool has_relay, has_gateway, has_source, has_mac, has_relay_mac;
	uint8_t relay[16], gateway[16], source[16], mac[6], relay_mac[6];
	uint16_t relay_port; /* host byte order */
	uint16_t vlan, port;
	/* what is offered */
	double rate;       /* frames a second; 0: as many as the port takes */
	double duration_s; /* 0: until a signal */
	uint32_t cell, burst, in_flight, check_every, drain_ms;
	bool trials, repeat_check, quiet;
	bool no_checksum; /* of UDP over IPv4 */
	/* results */
	const char *json;
	pid_t cpu_of[OPTIONS_PIDS_MAX];
	uint32_t cpu_count;
	/* captures */
	const char *pcap, *seed;
	uint32_t frames, workers;
	/* of EAL */
	int eal_count;
	char *eal[OPTIONS_EAL_MAX];
};

/* 0; 1 where the caller is done with exit status 0; -1 after a message. */
int options_parse(int argc, char **argv, struct options *options);

#endif
