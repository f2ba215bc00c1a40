/* A store in a directory of its own, and a search through its files. */
#ifndef CHAPPE_TEST_STORE_FILES_H
#define CHAPPE_TEST_STORE_FILES_H

#include "control/store.h"
#include "tests/unit/src/testing.h"

#include <glob.h>

extern char directory[64];
extern char error[STORE_ERROR_BYTES];
extern struct store *store;

/* For cmocka. */
int setup(void **state);
int teardown(void **state);

/* How many of these byte strings the files of the store hold anywhere. */
uint32_t in_files(const uint8_t (*strings)[16], uint32_t count);

/* The same device and route every time for a seed. */
struct store_device device_of(uint8_t seed);
struct store_route route_of(uint32_t device, uint8_t seed);

#endif
