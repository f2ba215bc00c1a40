/* Arrays of structs in ascending order of a number, which is their first member, a uint32_t. */
#ifndef CHAPPE_STORE_NUMBERED_H
#define CHAPPE_STORE_NUMBERED_H

#include <stddef.h>
#include <stdint.h>

/* NULL where the number is not there. */
void *numbered_find(const void *items, uint32_t count, size_t bytes, uint32_t number);
/* The array with room for one more, where it lies then; NULL without memory: it stays. */
void *numbered_grow(void *items, uint32_t count, uint32_t *room, size_t bytes);
/* Makes place for a number in one that has room; what lies there is to be overwritten. */
void *numbered_insert(void *items, uint32_t count, size_t bytes, uint32_t number);

#endif
