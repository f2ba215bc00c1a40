/* Which files a process may use from now on, by the kernel's Landlock: also those that its account
 * may use, such as another daemon's of the same account, are shut. */
#ifndef CHAPPE_DAEMON_LANDLOCK_H
#define CHAPPE_DAEMON_LANDLOCK_H

enum landlock_use {
	LANDLOCK_READS,   /* a file, or all below a directory */
	LANDLOCK_WRITES,  /* likewise; writes to what is there, too */
	LANDLOCK_REMOVES, /* a socket or pid file of its own, and with it others beside that */
	LANDLOCK_OWNS,    /* a directory: everything but starting programs and making devices */
};

struct landlock_place {
	const char *path;
	enum landlock_use use;
};

enum { LANDLOCK_PLACES_MAX = 16 };

/* For the calling thread and those it starts, for good; needs no_new_privs. Places end with a path
 * of NULL; but for those it owns, one that it can't reach anyway is passed over. Returns 0;
 * -EOPNOTSUPP where the kernel has none, or one before Linux 5.19, which can't allow a link from
 * one directory to another; or -errno, and then the place in question, if any. */
int landlock_confine(const struct landlock_place *places, const char **failed);

#endif
