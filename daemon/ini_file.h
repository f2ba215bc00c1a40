/* Reading a configuration to its end. */
#ifndef CHAPPE_DAEMON_INI_FILE_H
#define CHAPPE_DAEMON_INI_FILE_H

#include <ini.h>

/* As inih's ini_parse(): 0, or the number of the first line that is wrong. -errno where the file
 * can't be opened, or not be read to its end: inih would take what it got for all of it. */
int ini_file_parse(const char *path, ini_handler handler, void *arg);

/* Says for people what that returned: 0; the -errno that it was, or -EINVAL for a wrong line, with
 * error set. reason is what is wrong with the line, "" where it is no setting at all. */
int ini_file_result(const char *path, int line, const char *reason, char *error, size_t error_len);

#endif
