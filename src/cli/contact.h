/* chappe contact: its subcommands are in contact.c, those that only show something in
 * contact_show.c. */
#ifndef CHAPPE_CLI_CONTACT_H
#define CHAPPE_CLI_CONTACT_H

#include "src/cli/cli.h"

struct contact_command {
	int timeout_ms, wait_ms;
	bool qr, yes;
	const char *name;                 /* of the contact; NULL for list */
	const char *given;                /* add: the other person's link */
	char link[CHAPPE_LINK_MAX_BYTES]; /* a secret: to be wiped */
	bool made, greeted, ready, revoked;
	enum chappe_error failed;
};

enum chappe_error contact_list(struct cli *cli, struct contact_command *command);
enum chappe_error contact_verify(struct cli *cli, struct contact_command *command);

#endif
