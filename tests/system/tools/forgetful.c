/* For LD_PRELOAD under a chappe-store: commits skip the write-ahead log, so that what was said to
 * be durable lies in memory alone, and SIGKILL loses it. The kill test must notice. */
#include <dlfcn.h>
#include <rocksdb/c.h>

__attribute__((visibility("default"))) void rocksdb_writeoptions_set_sync(
	rocksdb_writeoptions_t *options, unsigned char sync)
{
	void (*next)(rocksdb_writeoptions_t *, unsigned char) = (void (*)(rocksdb_writeoptions_t *,
		unsigned char))dlsym(RTLD_NEXT, "rocksdb_writeoptions_set_sync");

	(void)sync;
	next(options, 0);
	rocksdb_writeoptions_disable_WAL(options, 1);
}
