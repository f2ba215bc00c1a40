/* For LD_PRELOAD under a chappe-store: nothing is synced, though the program is told that it was.
 * SIGKILL loses nothing by that; the test of power cuts must notice. */
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int fsync(int fd)
{
	(void)fd;
	return 0;
}

EXPORTED int fdatasync(int fd)
{
	(void)fd;
	return 0;
}
