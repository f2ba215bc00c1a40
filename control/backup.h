/* Copies for who takes a backup: of control's store, in a directory of its own below the state
 * directory, and of the message store, by chappe-store. One at a time. They hold what is erased
 * meanwhile, so they are removed when the backup is taken, after an hour, and when control starts.
 */
#ifndef CHAPPE_CONTROL_BACKUP_H
#define CHAPPE_CONTROL_BACKUP_H

#include "control.h"
#include "store_copy.h"

#define BACKUP_DIR "backup"

enum { BACKUP_KEEP_S = 3600 };

enum backup_phase { BACKUP_NONE, BACKUP_MESSAGES, BACKUP_STORE, BACKUP_MADE };

struct backup {
	enum backup_phase phase;
	struct control *control;
	bool with_messages;
	int64_t began_s;
	struct store_copy *copy;
	struct event *turn;
	control_backup_done *done;
	void *arg;
	struct control_backup made;
};

void backup_start(struct control *control);
void backup_stop(struct control *control);
void backup_second(struct control *control, int64_t now_s);
/* Who asked is gone: the copies go too. */
void backup_forget(struct control *control, const void *arg);
/* The dataplane has no session of before a restoration any more. */
void backup_in_step(struct control *control);

#endif
