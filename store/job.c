#include "job.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int job_init(struct job *job)
{
	memset(job, 0, sizeof *job);
	job->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return job->ended < 0 ? -errno : 0;
}

void job_free(struct job *job)
{
	if (job->running)
		pthread_join(job->thread, NULL);
	job->running = false;
	if (job->ended >= 0)
		close(job->ended);
	job->ended = -1;
}

static void *run(void *arg)
{
	struct job *job = arg;
	const uint64_t one = 1;

	job->result = job->work(job->arg, job->text);
	(void)!write(job->ended, &one, sizeof one);
	return NULL;
}

int job_start(struct job *job, job_work *work, void *arg)
{
	if (job->running)
		return -EBUSY;
	job->work = work;
	job->arg = arg;
	job->text[0] = '\0';
	const int result = pthread_create(&job->thread, NULL, run, job);
	job->running = result == 0;
	return -result;
}

bool job_take_end(struct job *job)
{
	uint64_t count;

	if (!job->running || read(job->ended, &count, sizeof count) != sizeof count)
		return false;
	pthread_join(job->thread, NULL);
	job->running = false;
	return true;
}
