#!/usr/bin/env python3
"""Plants a marker where search_memory.py has to find it: the control runs of never_plaintext.

usage: plant.py session PID INDEX MARKER   in the slot of session INDEX, where a candidate endpoint would be
       plant.py store DATABASE MARKER      as a row of a table of its own
       plant.py mbuf RELAY MARKER          as the payload of a datagram that the relay will drop
"""
import os
import socket
import sqlite3
import struct
import sys

import search_memory

# dataplane/session.h: where in a slot a session's index, the addresses of its candidate endpoint
# (zeros while there is none) and the halves lie, each of which begins with a key and its suite; the
# second has the tag (owner and generation of the index). Slots lie on cache lines.
LINE_BYTES, INDEX_AT, CANDIDATE_AT, CANDIDATE_BYTES = 64, 1012, 1360, 32
SEND_AT, SUITE_AT, TAG_AT, KEY_BYTES = 1408, 1008, 2418, 32


def is_slot(data, slot, tag):
    halves = (slot, slot + SEND_AT)
    return (
        slot >= 0
        and slot % LINE_BYTES == 0
        and all(data[half + SUITE_AT : half + SUITE_AT + 1] in (b"\x01", b"\x02") for half in halves)
        and all(any(data[half : half + KEY_BYTES]) for half in halves)
        and not any(data[slot + CANDIDATE_AT : slot + CANDIDATE_AT + CANDIDATE_BYTES])
        and data[slot + TAG_AT : slot + TAG_AT + 2] == tag
    )


def slots(memory, pid, index):
    """Addresses that hold what a slot of session index would hold."""
    wanted = struct.pack("<I", index)
    tag = struct.pack("<H", index >> 21)
    for start, end, permissions, _ in search_memory.mappings(pid):
        if "w" not in permissions:
            continue
        data = os.pread(memory, end - start, start)
        at = data.find(wanted)
        while at >= 0:
            if is_slot(data, at - INDEX_AT, tag):
                yield start + at - INDEX_AT
            at = data.find(wanted, at + 1)


def session(pid, index, marker):
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    found = list(slots(memory, pid, index))
    if len(found) != 1:
        raise SystemExit(f"{len(found)} places look like the slot of session {index:#x}")
    os.pwrite(memory, marker[:CANDIDATE_BYTES], found[0] + CANDIDATE_AT)
    print(f"planted in the slot of session {index:#x} at {found[0]:#x}")


def store(path, marker):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE planted (marker BLOB)")
        database.execute("INSERT INTO planted VALUES (?)", (marker,))
    database.close()
    print(f"planted in {path}")


def mbuf(relay, marker):
    family = socket.AF_INET6 if ":" in relay else socket.AF_INET
    # Of no valid length: what is dropped at the door stays in its mbuf as it came. (A frame of an
    # unknown index would be rewritten into a reset.)
    payload = b"\x04\0\0\0" + os.urandom(60) + marker
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        out.sendto(payload.ljust(700, b"\x55"), (relay, 4460))
    print("planted in a datagram")


def main():
    what, *rest = sys.argv[1:]
    if what == "session":
        session(int(rest[0]), int(rest[1], 0), rest[2].encode())
    elif what == "store":
        store(rest[0], rest[1].encode())
    else:
        mbuf(rest[0], rest[1].encode())


main()
