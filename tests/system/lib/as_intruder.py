#!/usr/bin/env python3
"""Has a running process try what somebody who has taken it over would try, and says what the kernel
answers: open a file, make a socket of a network, connect to a socket of the relay's, signal another
process, start a program.

usage: as_intruder.py PID open PATH | create PATH | socket | stream PATH | seqpacket PATH | listen PATH |
       kill PID | tgkill PID | fork | execve PATH

stream and seqpacket connect to a UNIX socket of that type; "closed" is a connection that its owner
ended at once. listen makes such a socket there.

A thread that waits is traced, its registers are set to those of the call, and afterwards back again.
Prints "open PATH: EACCES" (or "allowed"); what the process has opened is closed again. After execve,
which ends the process, prints how. Exits with 3 where the machine allows no tracing.
"""
import ctypes
import errno
import os
import signal
import struct
import sys
import time

ATTACH, DETACH, SINGLESTEP, GETREGS, SETREGS = 16, 17, 9, 12, 13
NUMBERS = {"open": 257, "create": 257, "socket": 41, "kill": 62, "tgkill": 234, "fork": 56,
           "execve": 59, "close": 3, "connect": 42, "recvfrom": 45, "bind": 49}
AT_FDCWD, CREATE_FLAGS = -100, os.O_WRONLY | os.O_CREAT | os.O_EXCL
AF_UNIX, AF_INET, SOCK_DGRAM, MSG_DONTWAIT = 1, 2, 2, 0x40
TYPES = {"stream": 1, "seqpacket": 5}
# A new process that the kernel refuses with EINVAL where a filter has not refused it before: these
# two exclude each other.
CLONE_NEWUSER, CLONE_FS = 0x10000000, 0x200
STAYS_S = 1  # so long a connection must last that counts as one
RED_ZONE_BYTES, NO_TRACING, LIMIT_S = 128, 3, 20
REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
    "fs_base gs_base ds es fs gs"
).split()


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in REGISTERS]


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=None):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def stop_where_it_waits(pid, memory):
    """Attaches while the thread is in a call: then an instruction that makes one is behind it."""
    registers, until = Registers(), time.monotonic() + LIMIT_S
    while True:
        ptrace(ATTACH, pid)
        os.waitpid(pid, 0)
        ptrace(GETREGS, pid, ctypes.byref(registers))
        if os.pread(memory, 2, registers.rip - 2) == b"\x0f\x05":
            return registers
        ptrace(DETACH, pid)
        if time.monotonic() > until:
            raise SystemExit(f"process {pid} makes no call")
        time.sleep(0.005)


def call(pid, memory, before, number, arguments):
    """The result of a call, or None: the process has ended."""
    now = Registers()
    ctypes.memmove(ctypes.byref(now), ctypes.byref(before), ctypes.sizeof(now))
    text_at = (before.rsp - RED_ZONE_BYTES - 4096) & ~15
    values = []
    for value in arguments:
        if isinstance(value, str):
            value = value.encode() + b"\0"
        if isinstance(value, bytes):
            os.pwrite(memory, value, text_at)
            value = text_at
        values.append(value & 0xFFFFFFFFFFFFFFFF)
    for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values + [0] * 6):
        setattr(now, name, value)
    now.rip, now.rax, now.orig_rax = before.rip - 2, number, 0xFFFFFFFFFFFFFFFF
    ptrace(SETREGS, pid, ctypes.byref(now))
    ptrace(SINGLESTEP, pid)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        return None
    if os.WSTOPSIG(status) != signal.SIGTRAP:  # the end that a filter has ordered
        ptrace(DETACH, pid, os.WSTOPSIG(status))
        return None
    ptrace(GETREGS, pid, ctypes.byref(now))
    ptrace(SETREGS, pid, ctypes.byref(before))
    return ctypes.c_int64(now.rax).value


def outcome(result):
    return "allowed" if result >= 0 else errno.errorcode[-result]


def connects(pid, memory, before, kind, path):
    """Whether a socket of the relay's lets the process in, and keeps it in."""
    def do(name, *arguments):
        return call(pid, memory, before, NUMBERS[name], arguments)

    fd = do("socket", AF_UNIX, TYPES[kind], 0)
    if fd < 0:
        return outcome(fd)
    result = do("connect", fd, struct.pack("H108s", AF_UNIX, path.encode()), 110)
    until = time.monotonic() + STAYS_S
    while result >= 0 and time.monotonic() < until:
        if do("recvfrom", fd, b"\0" * 16, 16, MSG_DONTWAIT, 0, 0) == 0:
            do("close", fd)
            return "closed"
        time.sleep(0.01)
    do("close", fd)
    return outcome(result)


def listens(pid, memory, before, path):
    """Whether the process can make a socket to which others connect."""
    fd = call(pid, memory, before, NUMBERS["socket"], [AF_UNIX, TYPES["stream"], 0])
    if fd < 0:
        return outcome(fd)
    address = struct.pack("H108s", AF_UNIX, path.encode())
    result = call(pid, memory, before, NUMBERS["bind"], [fd, address, 110])
    call(pid, memory, before, NUMBERS["close"], [fd])
    return outcome(result)


def main():
    pid, what, operand = int(sys.argv[1]), sys.argv[2], (sys.argv[3:] + [""])[0]
    arguments = {
        "open": [AT_FDCWD, operand, os.O_RDONLY],
        "create": [AT_FDCWD, operand, CREATE_FLAGS],
        "socket": [AF_INET, SOCK_DGRAM, 0],
        "kill": [operand, signal.SIGCONT],
        "tgkill": [operand, operand, signal.SIGCONT],
        "fork": [CLONE_NEWUSER | CLONE_FS],
        "execve": [operand, 0, 0],
    }.get(what)
    if what in ("kill", "tgkill"):
        arguments = [int(value) for value in arguments]
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    try:
        before = stop_where_it_waits(pid, memory)
    except OSError as error:
        print(error)
        sys.exit(NO_TRACING)
    if what in TYPES or what == "listen":
        said = (
            listens(pid, memory, before, operand)
            if what == "listen"
            else connects(pid, memory, before, what, operand)
        )
        ptrace(DETACH, pid)
        print(f"{what} {operand}: {said}")
        return
    result = call(pid, memory, before, NUMBERS[what], arguments)
    if result is None:
        print(f"{what} {operand}: ended")
        return
    if result >= 0 and what in ("open", "create", "socket"):
        call(pid, memory, before, NUMBERS["close"], [result])
    ptrace(DETACH, pid)
    print(f"{what} {operand}: {outcome(result)}")


main()
