#include "engine_private.h"

#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum writer_state { WRITER_IDLE, WRITER_BUSY, WRITER_DONE, WRITER_ENDING };

struct engine_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum writer_state state;
	uint32_t took_us; /* of the commit that is done */
};

static int write_batch(struct engine *engine)
{
	char *failure = NULL;

	if (engine->failed == 0) {
		rocksdb_write(engine->db, engine->durably, engine->flight, &failure);
		engine->failed = engine_result(failure, NULL);
	}
	rocksdb_writebatch_clear(engine->flight);
	return engine->failed;
}

static void *write_always(void *arg)
{
	struct engine *engine = arg;
	struct engine_writer *writer = engine->writer;

	pthread_mutex_lock(&writer->lock);
	while (writer->state != WRITER_ENDING) {
		if (writer->state != WRITER_BUSY) {
			pthread_cond_wait(&writer->changed, &writer->lock);
			continue;
		}
		pthread_mutex_unlock(&writer->lock);
		const uint64_t began_us = clock_us();
		(void)write_batch(engine);
		const uint32_t took_us = (uint32_t)(clock_us() - began_us);
		pthread_mutex_lock(&writer->lock);
		writer->took_us = took_us;
		if (writer->state == WRITER_BUSY)
			writer->state = WRITER_DONE;
		pthread_cond_broadcast(&writer->changed);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static struct engine_writer *start_writer(struct engine *engine)
{
	struct engine_writer *writer = calloc(1, sizeof *writer);

	if (!writer)
		return NULL;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
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
	rocksdb_writebatch_t *batch = engine->batch;

	if (!writer)
		return -ENOMEM;
	engine->batch = engine->flight;
	engine->flight = batch;
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
		result = engine->failed;
		if (took_us)
			*took_us = writer->took_us;
	}
	pthread_mutex_unlock(&writer->lock);
	return result;
}

int engine_commit(struct engine *engine)
{
	if (rocksdb_writebatch_count(engine->batch) == 0)
		return 0;
	const int result = engine_commit_begin(engine);
	return result < 0 ? result : engine_commit_end(engine, true, NULL);
}
