#include "responder.h"
#include "vault.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Jobs that a thread takes at once: of a short queue few, so that threads share a burst and answers
 * go out soon; of a long one more, so that the event loop, its system calls and the dataplane work
 * for many at a time. A job is about 100 us of X25519. */
enum { RESPONDER_TAKE_MIN = 4, RESPONDER_TAKE_MAX = 64, RESPONDER_STACK_BYTES = 128 * 1024 };

struct job_queue {
	struct job *first, **last;
	uint32_t count;
};

struct responder {
	const struct noise_keypair *key;
	struct job *jobs; /* all of them, in a vault */
	struct job *free; /* this and the next two are the event loop's */
	uint32_t touched; /* jobs that were ever in use */
	uint32_t in_use;
	int event_fd;
	uint32_t threads_wanted, threads_count;
	pthread_t threads[RESPONDER_THREADS_MAX];

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct job_queue waiting, finished;
	bool running;
};

static void queue_init(struct job_queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
	queue->count = 0;
}

/* Takes at most max jobs off the front; the chain ends with NULL. */
static struct job *queue_take(struct job_queue *queue, uint32_t max)
{
	struct job *first = queue->first, **end = &first;

	for (uint32_t i = 0; i < max && *end; i++, queue->count--)
		end = &(*end)->next;
	queue->first = *end;
	if (!queue->first)
		queue->last = &queue->first;
	*end = NULL;
	return first;
}

static void queue_add(struct job_queue *queue, struct job *jobs)
{
	*queue->last = jobs;
	for (; *queue->last; queue->count++)
		queue->last = &(*queue->last)->next;
}

void responder_open(const struct noise_keypair *key, struct job *job)
{
	/* Noise prologue: "chappe 1" and bytes 0 to 7 of the init (docs/protocol.md, handshake). */
	uint8_t prologue[16] = "chappe 1";
	uint8_t payload[WIRE_INIT_PAYLOAD_BYTES];

	memcpy(prologue + 8, &job->init, 8);
	job->result = noise_begin(&job->noise, NOISE_IKPSK2, (enum noise_cipher)job->init.suite,
		false, prologue, sizeof prologue, key, NULL, NULL);
	if (job->result == 0)
		job->result =
			noise_read(&job->noise, job->init.noise, sizeof job->init.noise, payload);
	if (job->result == 0)
		memcpy(&job->asked, payload, sizeof job->asked);
	sodium_memzero(payload, sizeof payload);
}

void responder_answer(struct job *job)
{
	uint8_t payload[WIRE_RESPONSE_PAYLOAD_BYTES] = { 0 };

	memcpy(payload, &job->answer, sizeof job->answer);
	job->response.type = WIRE_RESPONSE;
	job->response.version = WIRE_VERSION;
	job->response.suite = job->init.suite;
	job->response.zero = 0;
	job->response.receiver_index = job->init.sender_index;
	noise_set_psk(&job->noise, job->psk);
	job->result = noise_write(&job->noise, payload, sizeof payload, job->response.noise);
	if (job->result == 0 && job->answer.status == WIRE_STATUS_OK)
		noise_split(&job->noise, &job->keys);
	noise_wipe(&job->noise);
	sodium_memzero(job->psk, sizeof job->psk);
	sodium_memzero(payload, sizeof payload);
}

static void run_jobs(const struct responder *responder, struct job *jobs)
{
	for (struct job *job = jobs; job; job = job->next) {
		if (job->step == JOB_OPEN)
			responder_open(responder->key, job);
		else
			responder_answer(job);
	}
}

/* Half of a thread's fair share. */
static uint32_t jobs_to_take(const struct responder *responder)
{
	const uint32_t share = responder->waiting.count / (2 * responder->threads_wanted);

	if (share < RESPONDER_TAKE_MIN)
		return RESPONDER_TAKE_MIN;
	return share < RESPONDER_TAKE_MAX ? share : RESPONDER_TAKE_MAX;
}

static void *responder_thread(void *arg)
{
	struct responder *responder = arg;

	pthread_mutex_lock(&responder->lock);
	while (responder->running) {
		struct job *jobs = queue_take(&responder->waiting, jobs_to_take(responder));
		bool first;
		if (!jobs) {
			pthread_cond_wait(&responder->work, &responder->lock);
			continue;
		}
		pthread_mutex_unlock(&responder->lock);
		run_jobs(responder, jobs);
		pthread_mutex_lock(&responder->lock);
		first = !responder->finished.first;
		queue_add(&responder->finished, jobs);
		if (first)
			eventfd_write(responder->event_fd, 1);
	}
	pthread_mutex_unlock(&responder->lock);
	return NULL;
}

static int start_threads(struct responder *responder, uint32_t threads)
{
	pthread_attr_t attributes;
	int error = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, RESPONDER_STACK_BYTES);
	while (error == 0 && responder->threads_count < threads) {
		error = pthread_create(&responder->threads[responder->threads_count], &attributes,
			responder_thread, responder);
		responder->threads_count += error == 0;
	}
	pthread_attr_destroy(&attributes);
	return -error;
}

int responder_create(struct responder **created, const struct noise_keypair *key, uint32_t threads)
{
	struct responder *responder = calloc(1, sizeof *responder);
	int result = 0;

	*created = NULL;
	if (!responder)
		return -ENOMEM;
	responder->key = key;
	responder->threads_wanted = threads;
	responder->running = true;
	queue_init(&responder->waiting);
	queue_init(&responder->finished);
	pthread_mutex_init(&responder->lock, NULL);
	pthread_cond_init(&responder->work, NULL);
	responder->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	responder->jobs = vault_alloc(RESPONDER_JOBS * sizeof *responder->jobs);
	if (responder->event_fd < 0 || !responder->jobs)
		result = -ENOMEM;
	if (threads < 1 || threads > RESPONDER_THREADS_MAX)
		result = -EINVAL;
	if (result == 0)
		result = start_threads(responder, threads);
	if (result < 0)
		responder_destroy(responder);
	else
		*created = responder;
	return result;
}

void responder_destroy(struct responder *responder)
{
	if (!responder)
		return;
	pthread_mutex_lock(&responder->lock);
	responder->running = false;
	pthread_cond_broadcast(&responder->work);
	pthread_mutex_unlock(&responder->lock);
	for (uint32_t i = 0; i < responder->threads_count; i++)
		pthread_join(responder->threads[i], NULL);
	vault_free(responder->jobs, RESPONDER_JOBS * sizeof *responder->jobs);
	if (responder->event_fd >= 0)
		close(responder->event_fd);
	pthread_mutex_destroy(&responder->lock);
	pthread_cond_destroy(&responder->work);
	free(responder);
}

int responder_fd(const struct responder *responder)
{
	return responder->event_fd;
}

struct job *responder_job(struct responder *responder)
{
	struct job *job = responder->free;

	if (job)
		responder->free = job->next;
	else if (responder->touched < RESPONDER_JOBS)
		job = &responder->jobs[responder->touched++];
	else
		return NULL;
	job->next = NULL;
	responder->in_use++;
	return job;
}

void responder_submit(struct responder *responder, struct job *jobs)
{
	pthread_mutex_lock(&responder->lock);
	queue_add(&responder->waiting, jobs);
	if (jobs && jobs->next)
		pthread_cond_broadcast(&responder->work);
	else
		pthread_cond_signal(&responder->work);
	pthread_mutex_unlock(&responder->lock);
}

struct job *responder_finished(struct responder *responder)
{
	struct job *jobs;
	eventfd_t count;

	pthread_mutex_lock(&responder->lock);
	eventfd_read(responder->event_fd, &count);
	jobs = queue_take(&responder->finished, UINT32_MAX);
	pthread_mutex_unlock(&responder->lock);
	return jobs;
}

void responder_release(struct responder *responder, struct job *job)
{
	sodium_memzero(job, sizeof *job);
	job->next = responder->free;
	responder->free = job;
	responder->in_use--;
}

uint32_t responder_depth(const struct responder *responder)
{
	return responder->in_use;
}

uint32_t responder_threads(const struct responder *responder)
{
	return responder->threads_count;
}
