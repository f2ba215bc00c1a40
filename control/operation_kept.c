#include "operation_kept.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int operations_init(struct operations *operations)
{
	memset(operations, 0, sizeof *operations);
	operations->all = calloc(OPERATIONS_MAX, sizeof *operations->all);
	operations->buckets = calloc(OPERATIONS_MAX, sizeof *operations->buckets);
	operations->written = calloc(OPERATIONS_MAX, sizeof *operations->written);
	randombytes_buf(operations->hash_key, sizeof operations->hash_key);
	if (operations->all && operations->buckets && operations->written)
		return 0;
	operations_wipe(operations);
	return -ENOMEM;
}

void operations_wipe(struct operations *operations)
{
	if (operations->all)
		sodium_memzero(operations->all, OPERATIONS_MAX * sizeof *operations->all);
	free(operations->all);
	free(operations->buckets);
	free(operations->written);
	memset(operations, 0, sizeof *operations);
}

static uint32_t *bucket_of(struct operations *operations, uint32_t device, uint64_t frame_id)
{
	uint64_t key[2] = { device, frame_id }, value;

	crypto_shorthash((uint8_t *)&value, (const uint8_t *)key, sizeof key, operations->hash_key);
	return &operations->buckets[value % OPERATIONS_MAX];
}

void operations_forget(struct operations *operations, struct operation *operation)
{
	uint32_t number = (uint32_t)(operation - operations->all) + 1;
	uint32_t *place = bucket_of(operations, operation->device, operation->frame_id);

	while (*place != number)
		place = &operations->all[*place - 1].next;
	*place = operation->next;
	sodium_memzero(operation, sizeof *operation);
}

struct operation *operations_find(struct operations *operations, uint32_t device, uint64_t frame_id)
{
	uint32_t number = *bucket_of(operations, device, frame_id);

	while (number) {
		struct operation *operation = &operations->all[number - 1];
		if (operation->device == device && operation->frame_id == frame_id)
			return operation;
		number = operation->next;
	}
	return NULL;
}

struct operation *operations_remember(
	struct operations *operations, uint32_t device, uint64_t frame_id)
{
	for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
		uint32_t number = operations->next++ % OPERATIONS_MAX;
		struct operation *operation = &operations->all[number];
		uint32_t *bucket;
		if (operation->state == OPERATION_WRITTEN || operation->state == OPERATION_SENT)
			continue;
		if (operation->state == OPERATION_DONE)
			operations_forget(operations, operation);
		operation->device = device;
		operation->frame_id = frame_id;
		bucket = bucket_of(operations, device, frame_id);
		operation->next = *bucket;
		*bucket = number + 1;
		return operation;
	}
	return NULL;
}

void operations_expire(struct operations *operations, int64_t now_s)
{
	for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
		struct operation *operation = &operations->all[i];
		if (operation->state == OPERATION_DONE &&
			now_s - operation->at_s >= OPERATION_KEEP_S)
			operations_forget(operations, operation);
	}
}
