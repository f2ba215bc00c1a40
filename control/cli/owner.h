/* Who shall own a relay's state: the account that its processes drop to. */
#ifndef CHAPPE_CONTROL_CLI_OWNER_H
#define CHAPPE_CONTROL_CLI_OWNER_H

#include "options.h"

#include <sys/types.h>

struct owner {
	bool change;
	uid_t uid;
	gid_t gid;
};

/* --user, else chappe where root asks. Returns an exit status; the error has been printed. */
int owner_find(const struct options *options, struct owner *owner);

#endif
