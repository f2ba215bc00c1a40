/* chappe-dataplane-load: the dataplane for load tests with replayed captures. It is a program of
 * its own and shares every stage with chappe-dataplane but one, replay.c. Its devices follow from a
 * seed; it knows no real one, opens no link to control and answers no handshake. */
#ifndef CHAPPE_DATAPLANE_LOAD_H
#define CHAPPE_DATAPLANE_LOAD_H

#include "dataplane/arguments.h"
#include "dataplane/dataplane.h"
#include "perf/loadgen/derive.h"

struct load_options {
	const char *seed;
	uint32_t devices;
	enum wire_suite suite;
	bool has_source;
	uint8_t source[16], mac[6];
	uint16_t vlan;
	uint32_t stats_s; /* a line of counters so often; 0: only at the end */
};

/* Splits the command line into ours and what the dataplane takes itself. 0; 1 where all is said; -1
 * after a message. */
int load_options_parse(
	int argc, char **argv, struct load_options *options, struct arguments *arguments);

/* Refuses where real devices are at home: 0, or -EEXIST and a text. */
int load_refuse_store(const struct config *config, char *error, size_t error_len);

/* Enrols the derived devices and confirms their sessions; before workers run. */
int load_install(struct dataplane *dataplane, const struct load_options *options, char *error,
	size_t error_len);

/* A descriptor for SIGTERM and SIGINT, to be opened while that is allowed; or -errno. */
int load_signals(void);
/* Prints counters until one of them. */
void load_wait(const struct dataplane *dataplane, int signals, uint32_t stats_s);

#endif
