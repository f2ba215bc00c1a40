#include "aead_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sanitizers refuse RTLD_DEEPBIND, without which a copy would call into the library as linked. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AEAD_LIBRARY_COPIES false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define AEAD_LIBRARY_COPIES false
#endif
#endif
#ifndef AEAD_LIBRARY_COPIES
#define AEAD_LIBRARY_COPIES true
#endif

enum { AEAD_LIBRARY_PATH_BYTES = 64 };

void aead_library_linked(struct aead_library *library)
{
	*library = (struct aead_library){
		.file = -1,
		.alloc = alloc_mb_mgr,
		.free = free_mb_mgr,
		.init = init_mb_mgr_auto,
		.error = imb_get_errno,
	};
}

static int copy_bytes(int from, int to)
{
	struct stat stat;
	off_t at = 0;

	if (fstat(from, &stat) < 0)
		return -errno;
	while (at < stat.st_size) {
		const ssize_t copied = sendfile(to, from, &at, (size_t)(stat.st_size - at));
		if (copied <= 0)
			return copied < 0 ? -errno : -EIO;
	}
	return 0;
}

/* Returns a descriptor of a file in memory that nobody can change any more, or -errno. */
static int copy_file(const char *path)
{
	const int from = open(path, O_RDONLY | O_CLOEXEC);
	const int to =
		from < 0 ? -1 : memfd_create("intel-ipsec-mb", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result = to < 0 ? -errno : copy_bytes(from, to);

	if (result == 0 && fcntl(to, F_ADD_SEALS,
				   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		result = -errno;
	if (from >= 0)
		close(from);
	if (result < 0 && to >= 0)
		close(to);
	return result < 0 ? result : to;
}

/* The descriptor stays open: the linker goes by names, too, and the next copy needs another one. */
static int open_copy(struct aead_library *library)
{
	char path[AEAD_LIBRARY_PATH_BYTES];

	snprintf(path, sizeof path, "/proc/self/fd/%d", library->file);
	library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	if (library->handle == NULL)
		return -ELIBACC;
	*(void **)&library->alloc = dlsym(library->handle, "alloc_mb_mgr");
	*(void **)&library->free = dlsym(library->handle, "free_mb_mgr");
	*(void **)&library->init = dlsym(library->handle, "init_mb_mgr_auto");
	*(void **)&library->error = dlsym(library->handle, "imb_get_errno");
	return library->alloc && library->free && library->init && library->error ? 0 : -ELIBBAD;
}

int aead_library_copy(struct aead_library *library)
{
	Dl_info linked;

	*library = (struct aead_library){ .file = -1 };
	if (!AEAD_LIBRARY_COPIES)
		return -ENOTSUP;
	if (dladdr(dlsym(RTLD_DEFAULT, "alloc_mb_mgr"), &linked) == 0)
		return -ENOENT;
	const int file = copy_file(linked.dli_fname);
	if (file < 0)
		return file;
	library->file = file;
	const int result = open_copy(library);
	if (result < 0)
		aead_library_close(library);
	return result;
}

void aead_library_close(struct aead_library *library)
{
	if (library->handle != NULL)
		dlclose(library->handle);
	if (library->file >= 0)
		close(library->file);
	aead_library_linked(library);
}
