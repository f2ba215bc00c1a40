/* The file that tells others a daemon's process id. */
#ifndef CHAPPE_PID_FILE_H
#define CHAPPE_PID_FILE_H

/* Writes the id of this process and a newline to path, made with mode 0644 less the umask. It is
 * written with privileges that are dropped later, maybe into a directory of the account they are
 * dropped to, so it goes to nothing but a plain file of that name: 0 or -errno, -ELOOP for a
 * symbolic link, -EEXIST for anything else that is there, a file with another name too. */
int pid_file_write(const char *path);

#endif
