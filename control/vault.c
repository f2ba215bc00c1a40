#include "vault.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

void *vault_alloc(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	mlock2(memory, bytes, MLOCK_ONFAULT);
	madvise(memory, bytes, MADV_DONTDUMP);
	return memory;
}

void vault_free(void *memory, size_t bytes)
{
	if (!memory)
		return;
	sodium_memzero(memory, bytes);
	munmap(memory, bytes);
}

void *vault_grow(void *memory, size_t bytes, size_t new_bytes)
{
	void *moved = vault_alloc(new_bytes);

	if (!moved)
		return NULL;
	if (memory)
		memcpy(moved, memory, bytes);
	vault_free(memory, bytes);
	return moved;
}
