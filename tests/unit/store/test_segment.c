/* Segments: written, read, counted, removed, linked; and groups of the index. */
#include "files.h"

#include "store/group.h"
#include "store/segment_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 8 << 20 };

static struct segments *segments;
static char directory[96];
static uint8_t block[BLOCK];

static void reopen(void)
{
	segments_close(segments);
	segments = NULL;
	snprintf(directory, sizeof directory, "%s/cells", files_directory);
	assert_true(mkdir(directory, 0700) == 0 || errno == EEXIST);
	assert_int_equal(segments_open(&segments, directory), 0);
}

static int setup(void **state)
{
	if (files_make(state) != 0)
		return -1;
	reopen();
	return 0;
}

static int teardown(void **state)
{
	segments_close(segments);
	segments = NULL;
	return files_remove(state);
}

static struct segment_place write_block(uint8_t fill, size_t len)
{
	struct segment_place place;

	memset(block, fill, len);
	assert_int_equal(segments_reserve(segments, len, &place), 0);
	assert_int_equal(segments_write(segments, block, len / 2), 0);
	assert_int_equal(segments_write(segments, block + len / 2, len - len / 2), 0);
	assert_int_equal(segments_sync(segments), 0);
	segments_hold(segments, place, len);
	return place;
}

static void assert_read(struct segment_place place, uint8_t fill)
{
	uint8_t bytes[512];

	assert_int_equal(segments_read(segments, place, bytes, sizeof bytes), sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal(bytes[i], fill);
}

static uint32_t count(void)
{
	uint32_t position = 0;

	while (segments_at(segments, position))
		position++;
	return position;
}

static void what_was_written_is_read(void **state)
{
	struct segment_place places[20];

	(void)state;
	for (int i = 0; i < 20; i++)
		places[i] = write_block((uint8_t)i, BLOCK);
	assert_int_equal(count(), 3); /* 8 of them in each */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++)
			assert_read(places[i], (uint8_t)i);
		reopen();
		assert_int_equal(count(), 3);
	}
	/* Never behind what a process before this one wrote. */
	const uint32_t last = segments_last(segments);
	assert_int_equal(write_block(99, 512).segment, last + 1);
	assert_int_equal(count(), 4);
}

static void empty_ones_are_removed(void **state)
{
	struct segment_place places[17];
	uint8_t bytes[16];

	(void)state;
	for (int i = 0; i < 17; i++)
		places[i] = write_block((uint8_t)i, BLOCK);
	assert_read(places[0], 0);
	for (int i = 0; i < 7; i++)
		segments_release(segments, places[i], BLOCK);
	segments_release(segments, places[16], BLOCK);
	assert_int_equal(segments_remove_empty(segments), 0);
	assert_int_equal(count(), 3); /* the first holds one, the last is written to */
	segments_release(segments, places[7], BLOCK);
	assert_int_equal(segments_remove_empty(segments), 0);
	assert_int_equal(count(), 2);
	segments_let_go(segments);
	assert_int_equal(segments_read(segments, places[0], bytes, sizeof bytes), -ENOENT);
	assert_read(places[8], 8);
	segments_end(segments);
	assert_int_equal(segments_remove_empty(segments), 0);
	assert_int_equal(count(), 1);
	assert_int_equal(write_block(1, 512).segment, 4); /* no number comes twice */
}

static void links_stay_when_segments_go(void **state)
{
	char copy[96], file[128];
	struct stat status;

	(void)state;
	const struct segment_place place = write_block(5, 4096);
	segments_end(segments);
	write_block(6, 4096);
	snprintf(copy, sizeof copy, "%s/copy", files_directory);
	assert_int_equal(segments_link(segments, copy), 0);
	segments_release(segments, place, 4096);
	assert_int_equal(segments_remove_empty(segments), 0);
	snprintf(file, sizeof file, "%s/00000001.cells", copy);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_size, 4096);
	assert_true(status.st_blocks * 512 < 1 << 20); /* and what it did not need is given back */
	snprintf(file, sizeof file, "%s/00000002.cells", copy);
	assert_int_equal(stat(file, &status), -1); /* it still changes */
	assert_int_equal(segments_link(segments, copy), -EEXIST);
}

static void groups_keep_their_order(void **state)
{
	static const uint64_t numbers[] = { 805, 800, 815, 807, 805 };
	struct group group = { .number = group_of(805) }, read;

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		group_entry_set_place(group_add(&group, numbers[i]),
			(struct segment_place){ 7, (uint32_t)numbers[i] * 16 },
			i % 2 ? RECORD_LARGE_BYTES : RECORD_SMALL_BYTES);
	assert_int_equal(group.count, 4);
	assert_int_equal(group_read(&read, group.number, group.entries, group_bytes(&group)), 0);
	assert_null(group_find(&read, 801));
	const struct group_entry *entry = group_find(&read, 807);
	assert_int_equal(group_entry_number(&read, entry), 807);
	assert_int_equal(group_entry_place(entry).segment, 7);
	assert_int_equal(group_entry_place(entry).offset, 807 * 16);
	assert_int_equal(group_entry_length(entry), RECORD_LARGE_BYTES);
	assert_int_equal(group_entry_length(group_find(&read, 805)), RECORD_SMALL_BYTES);
	group_remove(&read, group_find(&read, 805));
	assert_null(group_find(&read, 805));
	assert_int_equal(read.count, 3);
	assert_non_null(group_find(&read, 815));
	/* What is no group. */
	assert_int_equal(group_read(&read, 1, group.entries, group_bytes(&group) - 1), -EBADMSG);
	group.entries[1].low = 0;
	assert_int_equal(group_read(&read, 1, group.entries, group_bytes(&group)), -EBADMSG);
	group.entries[1].low = GROUP_NUMBERS;
	assert_int_equal(group_read(&read, 1, group.entries, group_bytes(&group)), -EBADMSG);
	assert_int_equal(read.count, 0);
}

/* What was written long ago leaves the kernel's cache with later writes, no more of it than twice
 * what each writes, the oldest first. */
static void cache_is_left_little_by_little(void **state)
{
	enum { PIECE = 64 << 10, SEGMENT = 1 << 20, KEPT = 3 * PIECE };
	int writes = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		(void)write_block(1, SEGMENT);
		segments_end(segments);
	}
	segments->cache_bytes = KEPT;
	for (; !segments_at(segments, 0)->cold; writes++) {
		const uint32_t before = segments_at(segments, 0)->cooled;
		(void)write_block(2, PIECE);
		assert_true(segments_at(segments, 0)->cooled - before <= 2 * PIECE);
		assert_int_equal(segments_at(segments, 1)->cooled, 0);
		assert_true(writes < 100);
	}
	assert_int_equal(writes, SEGMENT / (2 * PIECE));
	while (!segments_at(segments, 1)->cold)
		(void)write_block(2, PIECE);
	(void)write_block(2, PIECE);
	assert_int_equal(segments_at(segments, 2)->cooled, 0); /* is written to */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_was_written_is_read),
		TEST(empty_ones_are_removed),
		TEST(links_stay_when_segments_go),
		TEST(groups_keep_their_order),
		TEST(cache_is_left_little_by_little),
#undef TEST
	};
	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
