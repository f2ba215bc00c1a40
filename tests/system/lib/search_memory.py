#!/usr/bin/env python3
"""Searches the memory of processes and raw files for needles.

usage: search_memory.py [--pid PID]... [--file PATH]... [--verbose] NEEDLES

Every mapping of each process that holds pages is read through /proc/PID/mem: hugepages, shared
memory and what the process itself may not read included. Prints "NAME in WHERE at OFFSET" per hit. Exit status: 0 nothing found, 1 found, 2 the
search itself failed (a mapping that can't be read is one: what is not searched proves nothing).
"""
import argparse
import os
import sys

import needles

CHUNK = 8 << 20
OVERLAP = 4096  # longer than any needle
# The kernel's own pages: constant, or clocks, and not readable through /proc/PID/mem.
KERNEL_MAPPINGS = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def search(read, start, end, wanted):
    """Yields (name, address) of hits between start and end."""
    position, tail = start, b""
    while position < end:
        data = read(position, min(CHUNK, end - position))
        if not data:
            break
        block = tail + data
        base = position - len(tail)
        for name, needle in wanted:
            at = block.find(needle)
            while at >= 0:
                if at + len(needle) > len(tail):
                    yield name, base + at
                at = block.find(needle, at + 1)
        tail = block[-OVERLAP:]
        position += len(data)


def mappings(pid):
    """(start, end, permissions, name) of every mapping that holds pages. What is mapped without
    any permission is in too once something was written there; address space that is only reserved,
    terabytes with DPDK, is not: it holds nothing."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            fields = line.split(None, 5)
            if not fields[0].endswith(":"):
                start, end = (int(x, 16) for x in fields[0].split("-"))
                permissions, name = fields[1], fields[5].strip() if len(fields) > 5 else "anonymous"
                resident = 0
            elif fields[0] in ("Rss:", "Swap:", "Shared_Hugetlb:", "Private_Hugetlb:"):
                resident += int(fields[1])
            elif fields[0] == "VmFlags:" and (resident or not permissions.startswith("---")):
                yield start, end, permissions, name


def search_process(pid, wanted, hits):
    searched, failed = 0, []
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    for start, end, permissions, name in mappings(pid):
        if name in KERNEL_MAPPINGS:
            continue
        try:
            for needle, address in search(
                lambda at, size: os.pread(memory, size, at), start, end, wanted
            ):
                hits.append(f"{needle} in process {pid} at {address:#x} ({name})")
            searched += end - start
        except OSError as error:
            failed.append(f"{start:#x}-{end:#x} {permissions} {name}: {error.strerror}")
    os.close(memory)
    return searched, failed


def search_file(path, wanted, hits):
    with open(path, "rb") as file:
        data = file.read()
    for name, needle in wanted:
        at = data.find(needle)
        if at >= 0:
            hits.append(f"{name} in {path} at {at:#x}")
    return len(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pid", action="append", type=int, default=[])
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("needles")
    options = parser.parse_args()
    wanted = needles.read(options.needles)
    hits, total = [], 0
    for pid in options.pid:
        searched, failed = search_process(pid, wanted, hits)
        total += searched
        if options.verbose:
            print(f"process {pid}: {searched >> 20} MiB searched")
        if failed or not searched:
            print(f"process {pid}: not searched: {failed or 'nothing'}")
            return 2
    for path in options.file:
        total += search_file(path, wanted, hits)
    print("\n".join(hits) if hits else f"{len(wanted)} needles in none of {total >> 10} KiB")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
