#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (Documentation/userspace-api/landlock.rst), which only ever grows. Spelled
 * out because headers of Debian 12 end at the second version of seven. */
enum {
	LANDLOCK_VERSION_ASKED = 1, /* flag of landlock_create_ruleset() */
	LANDLOCK_PATH_BENEATH = 1,  /* kind of rule */

	LANDLOCK_WITH_REFER = 2, /* the versions that brought something */
	LANDLOCK_WITH_TRUNCATE = 3,
	LANDLOCK_WITH_IOCTL = 5,
	LANDLOCK_WITH_SCOPES = 6,
};

enum landlock_right {
	LANDLOCK_EXECUTE = 1 << 0,
	LANDLOCK_WRITE_FILE = 1 << 1,
	LANDLOCK_READ_FILE = 1 << 2,
	LANDLOCK_READ_DIR = 1 << 3,
	LANDLOCK_REMOVE_DIR = 1 << 4,
	LANDLOCK_REMOVE_FILE = 1 << 5,
	LANDLOCK_MAKE_CHAR = 1 << 6,
	LANDLOCK_MAKE_DIR = 1 << 7,
	LANDLOCK_MAKE_REG = 1 << 8,
	LANDLOCK_MAKE_SOCK = 1 << 9,
	LANDLOCK_MAKE_FIFO = 1 << 10,
	LANDLOCK_MAKE_BLOCK = 1 << 11,
	LANDLOCK_MAKE_SYM = 1 << 12,
	LANDLOCK_REFER = 1 << 13, /* link and rename between directories */
	LANDLOCK_TRUNCATE = 1 << 14,
	LANDLOCK_IOCTL_DEV = 1 << 15,
};

enum { LANDLOCK_SCOPE_SIGNALS = 1 << 1 };

/* Older kernels know the first field only, and refuse others that are not zero. */
struct landlock_rules {
	uint64_t files, network, scopes;
};

struct __attribute__((packed)) landlock_beneath {
	uint64_t allowed;
	int32_t parent;
};

static uint64_t known_rights(int version)
{
	uint64_t rights = LANDLOCK_TRUNCATE - 1;

	if (version >= LANDLOCK_WITH_TRUNCATE)
		rights |= LANDLOCK_TRUNCATE;
	if (version >= LANDLOCK_WITH_IOCTL)
		rights |= LANDLOCK_IOCTL_DEV;
	return rights;
}

static uint64_t rights_for(enum landlock_use use, bool directory)
{
	const uint64_t read = LANDLOCK_READ_FILE | (directory ? LANDLOCK_READ_DIR : 0);
	const uint64_t owned = LANDLOCK_READ_FILE | LANDLOCK_READ_DIR | LANDLOCK_WRITE_FILE |
			       LANDLOCK_TRUNCATE | LANDLOCK_MAKE_REG | LANDLOCK_MAKE_DIR |
			       LANDLOCK_REMOVE_FILE | LANDLOCK_REMOVE_DIR | LANDLOCK_REFER;

	switch (use) {
	case LANDLOCK_READS:
		return read;
	case LANDLOCK_WRITES:
		return read | LANDLOCK_WRITE_FILE;
	case LANDLOCK_REMOVES:
		return LANDLOCK_REMOVE_FILE;
	case LANDLOCK_OWNS:
		return owned;
	}
	return 0;
}

static int open_place(const struct landlock_place *place)
{
	char copy[PATH_MAX]; /* dirname() writes to what it is given */
	const char *path = place->path;

	if (place->use == LANDLOCK_REMOVES) {
		if (strlen(path) >= sizeof copy) {
			errno = ENAMETOOLONG;
			return -1;
		}
		strcpy(copy, path);
		path = dirname(copy);
	}
	return open(path, O_PATH | O_CLOEXEC);
}

static int allow(int rules, const struct landlock_place *place, uint64_t known)
{
	struct landlock_beneath beneath = { .parent = open_place(place) };
	struct stat status;
	int result = 0;

	if (beneath.parent < 0)
		return place->use == LANDLOCK_OWNS ? -errno : 0;
	if (fstat(beneath.parent, &status) < 0)
		result = -errno;
	if (result == 0) {
		beneath.allowed = known & rights_for(place->use, S_ISDIR(status.st_mode));
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_PATH_BENEATH, &beneath, 0) < 0)
			result = -errno;
	}
	close(beneath.parent);
	return result;
}

int landlock_confine(const struct landlock_place *places, const char **failed)
{
	struct landlock_rules wanted = { 0 };
	int result = 0;

	*failed = NULL;
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_ASKED);
	if (version < LANDLOCK_WITH_REFER)
		return -EOPNOTSUPP;
	wanted.files = known_rights((int)version);
	if (version >= LANDLOCK_WITH_SCOPES)
		wanted.scopes = LANDLOCK_SCOPE_SIGNALS;
	const int rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, sizeof wanted, 0);
	if (rules < 0)
		return -errno;
	for (; result == 0 && places->path; places++) {
		result = allow(rules, places, wanted.files);
		if (result < 0)
			*failed = places->path;
	}
	if (result == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		result = -errno;
	close(rules);
	return result;
}
