/* A consistent copy of the store in its own directory, for who takes it away: a directory that is a
 * store again, with messages, keys and limits. The tables are hard links, so it costs little room
 * and time; the keys are copies, which are overwritten when it is removed. While it is there,
 * what it holds can be read by it, also what is delivered meanwhile. */
#ifndef CHAPPE_STORE_BACKUP_H
#define CHAPPE_STORE_BACKUP_H

#include "admin_msg.h"
#include "depot.h"

#define BACKUP_DIRECTORY "backup"

/* Another thread than the depot's may call it, while the depot's keys are held. One that was there
 * is removed first. 0 or -errno with a text. */
int backup_make(const struct depot *depot, const char *directory, char text[ADMIN_TEXT_BYTES]);
/* 0, also where there is none, or -errno. */
int backup_remove(const char *directory);

#endif
