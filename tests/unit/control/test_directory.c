/* The directory of devices against a naive model under random acts. */
#include "control/directory.h"
#include "tests/unit/src/testing.h"

#include <errno.h>

enum { SLOTS = 200, STEPS = 40000, INDICES = 500 };

struct model {
	uint8_t key[32];
	enum device_state state;
};

static struct directory directory;
static struct model model[SLOTS];
static uint32_t model_pending[INDICES]; /* slot + 1 */

static int setup(void **state)
{
	(void)state;
	memset(model, 0, sizeof model);
	memset(model_pending, 0, sizeof model_pending);
	return directory_init(&directory);
}

static int teardown(void **state)
{
	(void)state;
	directory_wipe(&directory);
	return 0;
}

/* Several to a chain. */
static uint32_t id_of(uint32_t slot)
{
	return 1 + slot * 64;
}

static void check(void)
{
	uint32_t enrolled = 0, reserved = 0, pending = 0, ids[SLOTS], by_id[SLOTS];

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		ids[slot] = id_of(slot);
	directory_find_ids(&directory, ids, by_id, SLOTS);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		uint32_t found = directory_find(&directory, model[slot].key);
		uint32_t kept = directory_find_reserved(&directory, model[slot].key);
		enrolled += model[slot].state == DEVICE_ENROLLED;
		reserved += model[slot].state == DEVICE_RESERVED;
		if (model[slot].state == DEVICE_ENROLLED)
			assert_int_equal(found, slot);
		assert_int_equal(
			by_id[slot], model[slot].state == DEVICE_ENROLLED ? slot : DIRECTORY_NONE);
		if (model[slot].state == DEVICE_RESERVED)
			assert_int_equal(kept, slot);
	}
	for (uint32_t index = 0; index < INDICES; index++) {
		uint32_t number = directory_pending(&directory, index);
		if (!model_pending[index]) {
			assert_int_equal(number, DIRECTORY_NONE);
			continue;
		}
		assert_int_equal(directory.pendings.all[number].slot, model_pending[index] - 1);
		pending++;
	}
	assert_int_equal(directory.enrolled, enrolled);
	assert_int_equal(directory.reserved, reserved);
	assert_int_equal(directory.pendings.count, pending);
	assert_int_equal(directory.free_count, SLOTS - enrolled - reserved);
}

static void drop_pendings(uint32_t slot)
{
	for (uint32_t index = 0; index < INDICES; index++)
		if (model_pending[index] == slot + 1)
			model_pending[index] = 0;
}

static void reserve(void)
{
	uint8_t key[32] = { 0 };
	uint32_t slot;
	int result;

	randombytes_buf(key, WIRE_INVITATION_ID_BYTES);
	result = directory_reserve(&directory, key, &slot);
	if (directory.enrolled + directory.reserved == SLOTS && result < 0) {
		assert_int_equal(result, -ENOSPC);
		return;
	}
	assert_int_equal(result, 0);
	assert_int_equal(model[slot].state, DEVICE_FREE);
	memcpy(model[slot].key, key, sizeof key);
	model[slot].state = DEVICE_RESERVED;
}

static void enrol(uint32_t slot)
{
	struct store_device device = { .id = id_of(slot), .slot = slot };
	int result;

	if (model[slot].state == DEVICE_FREE)
		return;
	randombytes_buf(device.key, sizeof device.key);
	result = directory_enrol(&directory, &device);
	if (model[slot].state == DEVICE_ENROLLED) {
		assert_int_equal(result, -EEXIST);
		return;
	}
	assert_int_equal(result, 0);
	memcpy(model[slot].key, device.key, sizeof device.key);
	model[slot].state = DEVICE_ENROLLED;
}

static void pend(uint32_t slot, uint32_t index)
{
	uint8_t key[32] = { 1 };
	uint32_t number = directory_pending(&directory, index);

	if (model_pending[index]) {
		directory_unpend(&directory, number);
		model_pending[index] = 0;
	} else if (model[slot].state != DEVICE_FREE) {
		number = directory_pend(&directory, slot, index, key, 1);
		assert_int_not_equal(number, DIRECTORY_NONE);
		assert_int_equal(directory_device(&directory, slot)->pending, number);
		model_pending[index] = slot + 1;
	}
}

static void behaves_as_the_model(void **state)
{
	(void)state;
	assert_int_equal(directory_limit(&directory, SLOTS), 0);
	for (int step = 0; step < STEPS; step++) {
		uint32_t slot = randombytes_uniform(SLOTS);
		switch (randombytes_uniform(8)) {
		case 0:
		case 1:
			reserve();
			break;
		case 2:
			enrol(slot);
			break;
		case 3:
			directory_release(&directory, slot);
			memset(&model[slot], 0, sizeof model[slot]);
			drop_pendings(slot);
			break;
		default:
			pend(slot, randombytes_uniform(INDICES));
			break;
		}
		if (step % 500 == 0)
			check();
	}
	check();
}

static void slots_are_used_first_in_first_out(void **state)
{
	uint8_t id[16] = { 0 };
	uint32_t slot;

	(void)state;
	assert_int_equal(directory_limit(&directory, 4), 0);
	for (uint32_t i = 0; i < 12; i++) {
		id[0] = (uint8_t)i;
		assert_int_equal(directory_reserve(&directory, id, &slot), 0);
		assert_int_equal(slot, i % 4);
		directory_release(&directory, slot);
	}
}

static void released_device_is_wiped(void **state)
{
	struct store_device stored = { .id = 1, .slot = 2 };

	(void)state;
	memset(stored.key, 1, sizeof stored.key);
	memset(stored.psk, 2, sizeof stored.psk);
	assert_int_equal(directory_enrol(&directory, &stored), 0);
	directory_release(&directory, 2);
	assert_true(
		sodium_is_zero((uint8_t *)directory_device(&directory, 2), sizeof(struct device)));
	assert_int_equal(directory_find(&directory, stored.key), DIRECTORY_NONE);
}

static void loaded_before_the_limit_is_known(void **state)
{
	struct store_device stored = { .id = 1, .slot = 1000 };
	uint8_t id[16] = { 0 };
	uint32_t slot;

	(void)state;
	memset(stored.key, 1, sizeof stored.key);
	assert_int_equal(directory_enrol(&directory, &stored), 0);
	stored.slot = 0;
	stored.key[0] = 2;
	assert_int_equal(directory_enrol(&directory, &stored), 0);
	assert_int_equal(directory_reserve(&directory, id, &slot), -ENOSPC);
	assert_int_equal(directory_limit(&directory, 2), 0);
	assert_int_equal(directory_reserve(&directory, id, &slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(directory_find(&directory, stored.key), 0);
	stored.key[0] = 1;
	assert_int_equal(directory_find(&directory, stored.key), 1000);
}

static void current_and_earlier_session(void **state)
{
	struct device device = { 0 };

	(void)state;
	directory_session(&directory, &device, 5);
	assert_true(device.has_session && !device.has_earlier);
	directory_session(&directory, &device, 6);
	assert_int_equal(directory.sessions, 2);
	assert_int_equal(device.session, 6);
	assert_int_equal(device.earlier, 5);
	directory_session_ended(&directory, &device, 5);
	assert_true(device.has_session && !device.has_earlier);
	directory_session(&directory, &device, 7);
	directory_session_ended(&directory, &device, 7);
	assert_int_equal(device.session, 6);
	directory_session_ended(&directory, &device, 9);
	assert_true(device.has_session);
	directory_session_ended(&directory, &device, 6);
	assert_false(device.has_session);
	assert_int_equal(directory.sessions, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(behaves_as_the_model),
		TEST(slots_are_used_first_in_first_out),
		TEST(released_device_is_wiped),
		TEST(loaded_before_the_limit_is_known),
		TEST(current_and_earlier_session),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
