#include "owner.h"
#include "cli.h"
#include "client.h"
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* Who shall own the state: root gives it to the user that chappe-control drops to. */
int owner_find(const struct options *options, struct owner *owner)
{
	const char *name = options->user != NULL ? options->user : "chappe";
	*owner = (struct owner){ 0 };
	if (strcmp(name, "none") == 0 || (options->user == NULL && geteuid() != 0))
		return CLI_OK;
	const struct passwd *user = getpwnam(name);
	if (user == NULL)
		return client_error(options, CLI_USAGE, "bad_request",
			"no user `%s` to own the state: make it (adduser --system --group %s), "
			"name "
			"another with --user, or keep the owner with --user none",
			name, name);
	*owner = (struct owner){ .change = true, .uid = user->pw_uid, .gid = user->pw_gid };
	return CLI_OK;
}
