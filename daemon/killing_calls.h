/* System calls that none of the relay's processes ever makes, for its filter of them: whoever makes
 * one is not the program, and the process ends. Each process may have more of its own. */
#ifndef CHAPPE_DAEMON_KILLING_CALLS_H
#define CHAPPE_DAEMON_KILLING_CALLS_H

#include <seccomp.h>

/* The beginning of an array of int. */
#define KILLING_CALLS                                                                              \
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),   \
		SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(init_module),    \
		SCMP_SYS(finit_module), SCMP_SYS(mount), SCMP_SYS(unshare), SCMP_SYS(setns)

#endif
