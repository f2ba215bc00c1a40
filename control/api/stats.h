/* Counters of the dataplane's workers as they come in, for /v1/stats and /metrics. */
#ifndef CHAPPE_CONTROL_API_STATS_H
#define CHAPPE_CONTROL_API_STATS_H

#include "request.h"
#include "src/counters.h"

/* Owners are 5 bits of an index; after the workers comes the main lcore. */
enum { API_WORKERS_MAX = 32 + 1 };

struct api_stats {
	bool connected;
	uint32_t workers;
	struct {
		uint32_t worker;
		uint64_t counters[COUNTER_COUNT];
	} rows[API_WORKERS_MAX];
	uint64_t total[COUNTER_COUNT];
	void (*finish)(struct api_request *request, const struct api_stats *stats);
};

/* Asks the dataplane, then calls finish, which answers the request; where the dataplane is not
 * there finish is called at once, and where it does not answer after seconds, with connected
 * false. */
void api_stats_collect(struct api_request *request, int seconds,
	void (*finish)(struct api_request *request, const struct api_stats *stats));

extern const char *const api_counter_names[COUNTER_COUNT];
extern const char *const api_control_counter_names[CONTROL_COUNTER_COUNT];

#endif
