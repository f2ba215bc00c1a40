/* What a backup is: a directory with
 *   backup.json   format, time, version, the relay's public key, how many files, whether messages
 *   SHA256SUMS    a line for each file but itself: `sha256sum -c SHA256SUMS` checks it too
 *   control/      chappe.db, relay.key
 *   store/        the directory of chappe-store, unless it was left out */
#ifndef CHAPPE_CONTROL_CLI_BACKUP_FORMAT_H
#define CHAPPE_CONTROL_CLI_BACKUP_FORMAT_H

#define BACKUP_ABOUT "backup.json"
#define BACKUP_SUMS "SHA256SUMS"
#define BACKUP_CONTROL "control"
#define BACKUP_STORE "store"

enum { BACKUP_FORMAT = 1 };

#endif
