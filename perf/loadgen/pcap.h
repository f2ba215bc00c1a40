/* Captures of valid frames, for pktgen and tcpreplay: what devices derived from a seed (derive.h)
 * would send to a chappe-dataplane-load of the same seed. */
#ifndef CHAPPE_LOADGEN_PCAP_H
#define CHAPPE_LOADGEN_PCAP_H

#include "options.h"

/* 0 or -1 after a message. */
int pcap_write(const struct options *options);

#endif
