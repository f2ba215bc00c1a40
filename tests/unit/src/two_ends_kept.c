#include "two_ends.h"
#include <errno.h>
#include <stdlib.h>

static struct end_kept *find(const struct end *end, uint64_t number)
{
	for (size_t i = 0; i < end->kept_size; i++)
		if (end->kept[i].frames && end->kept[i].number == number)
			return &end->kept[i];
	return NULL;
}

static void drop(struct end *end, struct end_kept *kept)
{
	free(kept->frames);
	kept->frames = NULL;
	end->kept_count--;
}

static struct end_kept *find_free(struct end *end)
{
	for (size_t i = 0; i < end->kept_size; i++)
		if (!end->kept[i].frames)
			return &end->kept[i];
	size_t size = end->kept_size * 2 + 16;
	end->kept = realloc(end->kept, size * sizeof *end->kept);
	assert_non_null(end->kept);
	memset(end->kept + end->kept_size, 0, (size - end->kept_size) * sizeof *end->kept);
	struct end_kept *kept = &end->kept[end->kept_size];
	end->kept_size = size;
	return kept;
}

int two_ends_keep(
	void *context, uint64_t number, uint16_t fragments, const struct outgoing *message)
{
	struct end *end = context;
	if (two_ends_step(end))
		return -EIO;
	if (end->save_error)
		return end->save_error;
	struct message_frame *frames = calloc(fragments, sizeof *frames);
	assert_non_null(frames);
	for (uint16_t i = 0; i < fragments; i++) {
		message_fill(message, i, &frames[i]);
		assert_false(frames[i].kept);
		assert_int_equal(frames[i].number, number);
		assert_true(frames[i].frame_id != 0);
	}
	struct end_kept *kept = find(end, number);
	if (kept)
		drop(end, kept);
	kept = find_free(end);
	*kept = (struct end_kept){ number, fragments, frames };
	end->kept_count++;
	return two_ends_step(end) ? -EIO : 0;
}

void two_ends_discard(void *context, uint64_t number)
{
	struct end *end = context;
	if (two_ends_step(end))
		return;
	struct end_kept *kept = find(end, number);
	assert_non_null(kept);
	drop(end, kept);
	(void)two_ends_step(end);
}

static struct end_kept *find_above(const struct end *end, uint64_t number)
{
	struct end_kept *lowest = NULL;
	for (size_t i = 0; i < end->kept_size; i++) {
		struct end_kept *kept = &end->kept[i];
		if (kept->frames && kept->number > number &&
			(!lowest || kept->number < lowest->number))
			lowest = kept;
	}
	return lowest;
}

void two_ends_restore(struct end *end)
{
	struct end_kept *kept = find_above(end, 0), *next;
	for (; kept; kept = next) {
		const struct message_frame *last = &kept->frames[kept->fragments - 1];
		uint64_t *ids = calloc(kept->fragments, sizeof *ids);
		assert_non_null(ids);
		for (uint16_t i = 0; i < kept->fragments; i++)
			ids[i] = kept->frames[i].frame_id;
		const struct message_kept of = {
			.number = kept->number,
			.type = (enum seal_type)last->plain.type,
			.fragments = kept->fragments,
			.small_end = last->plain_len == SEAL_SMALL_PLAIN_BYTES,
			.frame_ids = ids,
		};
		int error = message_restore(end->peer, &of);
		free(ids);
		next = find_above(end, kept->number);
		if (error == -EALREADY)
			drop(end, kept);
		else
			assert_int_equal(error, 0);
	}
}

void two_ends_unseal(const struct end *end, struct message_frame *frame)
{
	if (!frame->kept)
		return;
	const struct end_kept *kept = find(end, frame->number);
	assert_non_null(kept);
	assert_true(frame->index < kept->fragments);
	const struct message_frame *sealed = &kept->frames[frame->index];
	assert_int_equal(sealed->frame_id, frame->frame_id);
	assert_int_equal(sealed->plain_len, frame->plain_len);
	*frame = *sealed;
}

void two_ends_kept_free(struct end *end)
{
	for (size_t i = 0; i < end->kept_size; i++)
		free(end->kept[i].frames);
	free(end->kept);
	end->kept = NULL;
	end->kept_size = end->kept_count = 0;
}
