/* Fills a store that store_create() has made: a million rows a few seconds, without syncing the
 * disk. Keys are random, so nobody can shake hands as one of these devices. Routes stand in an
 * order in which devices might have asked for them: anyone's after anyone's. */
#ifndef CHAPPE_PERF_FILL_H
#define CHAPPE_PERF_FILL_H

#include <stdint.h>

void fill_store(const char *state_dir, uint32_t devices, uint32_t routes);

#endif
