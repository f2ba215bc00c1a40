/* Memory for secrets: locked as its pages are touched, left out of core dumps, wiped when freed.
 * Pages are zero at first. */
#ifndef CHAPPE_CONTROL_VAULT_H
#define CHAPPE_CONTROL_VAULT_H

#include <stddef.h>

/* NULL when there is no memory. Where the limit on locked memory forbids locking, the memory comes
 * unlocked: main.c lifts that limit while it may, and says so when it can't. */
void *vault_alloc(size_t bytes);
void vault_free(void *memory, size_t bytes);
/* Moves what is there to a larger piece and wipes the old one; NULL leaves all as it was. */
void *vault_grow(void *memory, size_t bytes, size_t new_bytes);

#endif
