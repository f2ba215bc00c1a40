#include "table_queue.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

void table_queue_init(struct table_queue *queue)
{
	memset(queue, 0, sizeof *queue);
	queue->waiting_last = &queue->waiting_first;
}

static struct table_out *new_message(struct table_queue *queue, uint16_t op)
{
	struct table_out *out = queue->spare;

	if (out)
		queue->spare = out->next;
	else
		out = malloc(sizeof *out);
	if (!out)
		return NULL;
	out->next = NULL;
	out->len = sizeof(struct table_head);
	memset(out->tags, 0, sizeof out->tags);
	*table_out_head(out) = (struct table_head){ .op = op, .seq = ++queue->seq };
	queue->bytes += out->len;
	return out;
}

static bool takes(struct table_out *out, uint16_t op, size_t size, uint64_t tag)
{
	return out && size && table_out_head(out)->op == op &&
	       out->len + size <= TABLE_MESSAGE_BYTES &&
	       (!tag || table_out_head(out)->count < TABLE_TAGS_MAX);
}

int table_queue_add(
	struct table_queue *queue, uint16_t op, const void *record, size_t size, uint64_t tag)
{
	struct table_out *out = queue->last;
	uint32_t number;

	if (!takes(out, op, size, tag)) {
		out = new_message(queue, op);
		if (!out)
			return -ENOMEM;
		if (queue->last)
			queue->last->next = out;
		else
			queue->first = out;
		queue->last = out;
	}
	number = table_out_head(out)->count;
	if (tag)
		out->tags[number] = tag;
	if (size == 0)
		return 0;
	memcpy(out->bytes + out->len, record, size);
	out->len += size;
	queue->bytes += size;
	table_out_head(out)->count++;
	return 0;
}

static struct table_waiting *waiting_of(struct table_out *out)
{
	const struct table_head *head = table_out_head(out);
	struct table_waiting *waiting;
	uint32_t count = TABLE_TAGS_MAX;

	while (count && !out->tags[count - 1])
		count--;
	if (count == 0)
		return NULL;
	waiting = malloc(sizeof *waiting + count * sizeof *waiting->tags);
	if (!waiting)
		return NULL;
	waiting->next = NULL;
	waiting->seq = head->seq;
	waiting->op = head->op;
	waiting->count = count;
	memcpy(waiting->tags, out->tags, count * sizeof *waiting->tags);
	return waiting;
}

static void take_first(struct table_queue *queue)
{
	struct table_out *out = queue->first;

	queue->first = out->next;
	if (!queue->first)
		queue->last = NULL;
	queue->bytes -= out->len;
	sodium_memzero(out->bytes, out->len);
	/* One to use again is enough; a burst's others go back. */
	if (queue->spare) {
		free(out);
		return;
	}
	out->next = NULL;
	queue->spare = out;
}

static void add_waiting(struct table_queue *queue, struct table_waiting *waiting)
{
	if (!waiting)
		return;
	*queue->waiting_last = waiting;
	queue->waiting_last = &waiting->next;
}

int table_queue_sent(struct table_queue *queue)
{
	struct table_waiting *waiting = waiting_of(queue->first);
	bool tagged = false;

	for (int i = 0; i < TABLE_TAGS_MAX; i++)
		tagged |= queue->first->tags[i] != 0;
	add_waiting(queue, waiting);
	take_first(queue);
	return tagged && !waiting ? -ENOMEM : 0;
}

struct table_waiting *table_queue_acked(struct table_queue *queue, uint64_t seq)
{
	struct table_waiting *waiting = queue->waiting_first;

	if (!waiting || waiting->seq != seq)
		return NULL;
	queue->waiting_first = waiting->next;
	if (!queue->waiting_first)
		queue->waiting_last = &queue->waiting_first;
	waiting->next = NULL;
	return waiting;
}

struct table_waiting *table_queue_clear(struct table_queue *queue)
{
	struct table_waiting *all;

	while (queue->first)
		table_queue_sent(queue);
	all = queue->waiting_first;
	queue->waiting_first = NULL;
	queue->waiting_last = &queue->waiting_first;
	queue->seq = 0;
	return all;
}

void table_queue_wipe(struct table_queue *queue)
{
	struct table_waiting *waiting = table_queue_clear(queue);

	while (waiting) {
		struct table_waiting *next = waiting->next;
		free(waiting);
		waiting = next;
	}
	free(queue->spare);
	table_queue_init(queue);
}
