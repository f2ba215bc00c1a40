#include "confine.h"
#include "daemon/killing_calls.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the process still calls. Why, where it is not plain from the name:
 * - rx and tx of kernel-backed drivers: net_tap readv and writev; net_af_packet poll and sendto;
 *   net_af_xdp sendto, recvfrom and poll; net_memif read and write on eventfds;
 * - a memif peer that returns: accept, sendmsg and recvmsg with descriptors, mmap of its
 *   regions; memfd_create, ftruncate and fcntl for ours; epoll_ctl, timerfd_settime and
 *   epoll_create in EAL's interrupt thread, which panics without;
 * - links to control and store: accept4, getsockopt (peer credentials), recv, sendmsg;
 * - leaving: unlink of sockets and pid file, what glibc ends threads with; ioctl, getsockname, bind
 *   and setsockopt for the stop functions of drivers. */
static const int confine_calls[] = {
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(bind),
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(epoll_create),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(getpeername),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(ioctl),
	SCMP_SYS(listen),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(munlock),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

static const int confine_killing_calls[] = { KILLING_CALLS };

/* What depends on arguments. Control and chappe-store have the same account: signals stay in this
 * process, and only a memif client, which looks for its server again, connects to a socket. Nor
 * does anything else make sockets to which others connect: in the run directory they could take the
 * place of control's. Datagrams tell systemd how the process is. */
static int confine_with_arguments(scmp_filter_ctx filter, bool connects)
{
	const uint64_t self = (uint64_t)getpid();
	const uint64_t type = 0xf; /* of a socket, without flags */
	/* Nothing makes a socket of a network any more. */
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
		SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0), SCMP_A1(SCMP_CMP_MASKED_EQ, type, SOCK_DGRAM));
	if (!result && connects)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	if (!result)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self, 0));
	if (!result && connects)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
	return result;
}

/* Everything else is answered EPERM: a driver's housekeeping call that this list does not know, of
 * another version of DPDK, must not end a relay that is carrying traffic. */
int confine_seccomp(bool connects)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; !result && i < sizeof confine_calls / sizeof *confine_calls; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, confine_calls[i], 0);
	if (!result)
		result = confine_with_arguments(filter, connects);
	for (size_t i = 0;
		!result && i < sizeof confine_killing_calls / sizeof *confine_killing_calls; i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_KILL_PROCESS, confine_killing_calls[i], 0);
	if (!result)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}
