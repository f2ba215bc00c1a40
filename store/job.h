/* One thing at a time that takes long, on a thread of its own: what it uses must allow that. */
#ifndef CHAPPE_STORE_JOB_H
#define CHAPPE_STORE_JOB_H

#include "admin_msg.h"

#include <pthread.h>
#include <stdbool.h>

/* 0 or -errno, then with a text for people. */
typedef int job_work(void *arg, char text[ADMIN_TEXT_BYTES]);

struct job {
	int ended; /* eventfd: readable once the work has ended */
	bool running;
	pthread_t thread;
	job_work *work;
	void *arg;
	int result;
	char text[ADMIN_TEXT_BYTES];
};

int job_init(struct job *job); /* 0 or -errno */
/* Waits for what is under way. */
void job_free(struct job *job);

/* 0, -EBUSY while one is under way, or -errno. */
int job_start(struct job *job, job_work *work, void *arg);
/* True once for each: result and text are set. */
bool job_take_end(struct job *job);

#endif
