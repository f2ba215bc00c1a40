/* Somebody who asks chappe-control for its status again and again, and notes how long the slowest
 * answer took: control serves its API, handshakes and links from one event loop. */
#ifndef CHAPPE_PERF_ASKING_H
#define CHAPPE_PERF_ASKING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

struct asking {
	struct sockaddr_un address;
	pthread_t thread;
	bool running;
	uint32_t answers;
	double longest_s;
};

void asking_start(struct asking *asking, const char *run_dir);
void asking_stop(struct asking *asking);

#endif
