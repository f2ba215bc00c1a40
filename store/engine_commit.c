#include "engine_private.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum writer_state { WRITER_IDLE, WRITER_BUSY, WRITER_DONE, WRITER_ENDING };

enum { STEP_PAUSE_NS = 5000000 /* between steps that empty segments, while nothing else comes */ };

struct engine_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum writer_state state;
	uint32_t took_us; /* of the commit that is done */
};

static uint32_t write_batch(struct engine *engine)
{
	const uint64_t began_us = clock_us();

	pthread_mutex_lock(&engine->work);
	(void)engine_write(engine, &engine->batches[1 - engine->gathering]);
	pthread_mutex_unlock(&engine->work);
	return (uint32_t)(clock_us() - began_us);
}

void engine_tell_end(struct engine *engine, int event)
{
	engine->event = event;
}

static void tell_end(const struct engine *engine)
{
	const uint64_t one = 1;

	if (engine->event >= 0)
		(void)!write(engine->event, &one, sizeof one);
}

/* Whether there is more of it to do. */
static bool empty_some(struct engine *engine)
{
	pthread_mutex_lock(&engine->work);
	const int result = engine_empty_some(engine, 0);
	pthread_mutex_unlock(&engine->work);
	return result > 0;
}

static void pause_or_wake(struct engine_writer *writer)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += STEP_PAUSE_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
}

static void *write_always(void *arg)
{
	struct engine *engine = arg;
	struct engine_writer *writer = engine->writer;
	bool more = false, ended = false;

	pthread_mutex_lock(&writer->lock);
	while (writer->state != WRITER_ENDING) {
		if (writer->state != WRITER_BUSY && !more) {
			pthread_cond_wait(&writer->changed, &writer->lock);
			continue;
		}
		if (writer->state == WRITER_BUSY) {
			pthread_mutex_unlock(&writer->lock);
			const uint32_t took_us = write_batch(engine);
			pthread_mutex_lock(&writer->lock);
			writer->took_us = took_us;
			if (writer->state == WRITER_BUSY)
				writer->state = WRITER_DONE;
			pthread_cond_broadcast(&writer->changed);
			ended = true;
		} else {
			pause_or_wake(writer);
		}
		pthread_mutex_unlock(&writer->lock);
		if (ended)
			tell_end(engine);
		ended = false;
		more = empty_some(engine);
		pthread_mutex_lock(&writer->lock);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static struct engine_writer *start_writer(struct engine *engine)
{
	struct engine_writer *writer = calloc(1, sizeof *writer);
	pthread_condattr_t monotonic;

	if (!writer)
		return NULL;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	engine->writer = writer;
	if (pthread_create(&writer->thread, NULL, write_always, engine) == 0)
		return writer;
	engine->writer = NULL;
	free(writer);
	return NULL;
}

static void set_state(struct engine_writer *writer, enum writer_state state)
{
	pthread_mutex_lock(&writer->lock);
	writer->state = state;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
}

void engine_end_writer(struct engine *engine)
{
	struct engine_writer *writer = engine->writer;

	if (!writer)
		return;
	set_state(writer, WRITER_ENDING);
	pthread_join(writer->thread, NULL);
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
	engine->writer = NULL;
}

int engine_commit_begin(struct engine *engine)
{
	struct engine_writer *writer = engine->writer ? engine->writer : start_writer(engine);

	if (!writer)
		return -ENOMEM;
	engine->gathering = 1 - engine->gathering;
	set_state(writer, WRITER_BUSY);
	return 0;
}

int engine_commit_end(struct engine *engine, bool wait, uint32_t *took_us)
{
	struct engine_writer *writer = engine->writer;
	int result = 0;

	if (!writer)
		return 0;
	pthread_mutex_lock(&writer->lock);
	while (wait && writer->state == WRITER_BUSY)
		pthread_cond_wait(&writer->changed, &writer->lock);
	if (writer->state == WRITER_BUSY) {
		result = -EINPROGRESS;
	} else if (writer->state == WRITER_DONE) {
		writer->state = WRITER_IDLE;
		result = atomic_load(&engine->failed);
		if (took_us)
			*took_us = writer->took_us;
	}
	pthread_mutex_unlock(&writer->lock);
	if (result == 0)
		segments_let_go(engine->segments);
	return result;
}

int engine_commit(struct engine *engine)
{
	if (!engine_has_changes(engine))
		return 0;
	const int result = engine_commit_begin(engine);
	return result < 0 ? result : engine_commit_end(engine, true, NULL);
}
