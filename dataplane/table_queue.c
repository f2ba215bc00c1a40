#include "table_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct table_message {
	struct table_message *next;
	size_t len;
	struct table_head head;
	uint8_t records[];
};

int table_queue_add(struct table_queue *queue, enum table_op op, uint64_t seq, uint16_t flags,
	const void *records, uint32_t count, size_t record_bytes)
{
	size_t len = count * record_bytes;
	struct table_message *message = malloc(sizeof *message + len);
	if (!message)
		return -ENOMEM;
	message->next = NULL;
	message->len = sizeof message->head + len;
	message->head = (struct table_head){
		.op = (uint16_t)op, .flags = flags, .count = count, .seq = seq ? seq : ++queue->seq
	};
	if (len)
		memcpy(message->records, records, len);
	if (queue->last)
		queue->last->next = message;
	else
		queue->first = message;
	queue->last = message;
	queue->bytes += message->len;
	return 0;
}

static void table_queue_pop(struct table_queue *queue)
{
	struct table_message *message = queue->first;
	queue->first = message->next;
	if (!queue->first)
		queue->last = NULL;
	queue->bytes -= message->len;
	free(message);
}

int table_queue_flush(struct table_queue *queue, int fd)
{
	while (queue->first) {
		const struct table_message *message = queue->first;
		if (send(fd, &message->head, message->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0 : -errno;
		table_queue_pop(queue);
	}
	return 0;
}

void table_queue_clear(struct table_queue *queue)
{
	while (queue->first)
		table_queue_pop(queue);
}
