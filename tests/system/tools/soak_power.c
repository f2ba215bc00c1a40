#include "soak_power.h"

#include "soak_model.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* ext4's own header is not for programs: fs/ext4/ext4.h of Linux */
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
enum { SHUTDOWN_WITH_JOURNAL = 1, SHUTDOWN_AT_ONCE = 2 };

enum { PARTS = 4 };

static uint64_t *state; /* of write_some(); nftw() hands nothing on */

static uint64_t below(uint64_t n)
{
	return (model_random(state) >> 16) % n;
}

/* Tells the kernel to write parts of a file to its disk, which says nothing of the file's size. */
static int write_some(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)at;
	if (kind != FTW_F || status->st_size == 0 || below(2) == 0)
		return 0;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* removed meanwhile */
	for (uint64_t n = below(PARTS) + 1; n > 0; n--) {
		const uint64_t from = below((uint64_t)status->st_size);
		(void)sync_file_range(fd, (off_t)from,
			(off_t)below((uint64_t)status->st_size - from) + 1,
			SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	}
	close(fd);
	return 0;
}

void power_cut(const char *mounted, uint64_t *random)
{
	uint32_t how;

	state = random;
	if (below(2) == 0)
		(void)nftw(mounted, write_some, 8, FTW_PHYS);
	how = below(3) == 0 ? SHUTDOWN_WITH_JOURNAL : SHUTDOWN_AT_ONCE;
	const int fd = open(mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, EXT4_IOC_SHUTDOWN, &how) != 0)
		model_fail("%s: no power cut: %s", mounted, strerror(errno));
	close(fd);
}

void power_back(const char *device, const char *mounted)
{
	if (umount2(mounted, 0) != 0 || mount(device, mounted, "ext4", 0, "") != 0)
		model_fail("%s on %s: %s", device, mounted, strerror(errno));
}
