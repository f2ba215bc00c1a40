/* The limits that chappe-store starts with: those it was sent last, in a file of its directory, so
 * that it needs no control to start. */
#ifndef CHAPPE_STORE_LIMITS_H
#define CHAPPE_STORE_LIMITS_H

#include "admin_msg.h"
#include "depot.h"

#define LIMITS_FILE "limits"

/* What holds before any were sent: the defaults of admin_limits.h. */
void limits_defaults(struct depot_limits *limits);

/* -EINVAL, with a text, for limits that can't be. */
int limits_check(const struct admin_limits *limits, char error[ADMIN_TEXT_BYTES]);
void limits_from_admin(struct depot_limits *limits, const struct admin_limits *from);
void limits_to_admin(struct admin_limits *limits, const struct depot_limits *from);

/* The defaults where there is no file, and with -EBADMSG where it is damaged. 0 or -errno with a
 * text. */
int limits_load(const char *directory, struct depot_limits *limits, char error[DEPOT_ERROR_BYTES]);
/* Durable when this returns 0; else what was there is still there. */
int limits_save(const char *directory, const struct depot_limits *limits);

#endif
