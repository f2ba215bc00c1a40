#!/usr/bin/env python3
"""Checks captures of a relay's wire.

usage: check_wire.py counters|common|sizes|absent [--without ADDRESS]... [--needles FILE] CAPTURE...

counters  no (key, counter) pair is used twice, in either direction
common    no 8 bytes of a frame going in are in a frame coming out
sizes     every datagram is 512 or 1232 bytes, and reserved bytes are zero
absent    no needle (a file of lines "NAME HEX") is anywhere on the wire
Several captures are one history, in this order. Each check says how much it looked at, and fails if
that was nothing.
"""
import argparse
import sys

import needles
import wire


class Failure(Exception):
    pass


def counters(frames):
    """A session's key is known on the wire by its direction and receiver index. An index may come
    back with a new key, but never without a handshake: a response to the address that uses it."""
    used = {}  # (direction, index) -> {counter: payload}
    last_used = {}  # (direction, index) -> number of the frame, over all captures
    responded = {}  # address of a device -> number of the last response to it
    pairs = 0
    for number, frame in enumerate(frames):
        device = frame.source if frame.to_relay else frame.destination
        if frame.type == wire.RESPONSE and not frame.to_relay:
            responded[device] = number
        if frame.type != wire.TRANSPORT or len(frame.payload) not in (wire.SMALL, wire.LARGE):
            continue
        session = (frame.to_relay, frame.index)
        seen = used.setdefault(session, {})
        if frame.counter in seen:
            if seen[frame.counter] == frame.payload:
                raise Failure(f"frame {frame.number}: the same frame twice, {name(frame)}")
            new_key = responded.get(device, -1) > last_used[session] and frame.counter < 64
            if not new_key:
                raise Failure(f"frame {frame.number}: another frame used this pair, {name(frame)}")
            seen.clear()
        last_used[session] = number
        seen[frame.counter] = frame.payload
        pairs += 1
    return f"{pairs} pairs of {len(used)} keys, none twice", pairs


def name(frame):
    direction = "in from" if frame.to_relay else "out to"
    device = frame.source if frame.to_relay else frame.destination
    return f"{direction} {device[0]} port {device[1]}, index {frame.index:#x}, counter {frame.counter}"


def secret_part(frame):
    """What of a frame has to look random: all but the header that is documented as clear, and the
    mac2 field of an init, which is zero while nobody demands it."""
    if frame.type == wire.TRANSPORT:
        return frame.payload[16:]
    if frame.type == wire.INIT:
        return frame.payload[8:496]
    if frame.type == wire.RESPONSE:
        return frame.payload[8:]
    return b""  # cookie replies and resets carry no payload of anyone


def windows(data):
    return {data[i : i + 8] for i in range(len(data) - 7)}


LIMIT_FRAMES = 3000  # of each direction: about 4 million strings in memory


def common(frames):
    into, out = [], []
    for frame in frames:
        side = into if frame.to_relay else out
        if len(side) < LIMIT_FRAMES:
            side.append(frame)
    strings = set()
    for frame in into:
        strings |= windows(secret_part(frame))
    for frame in out:
        shared = strings & windows(secret_part(frame))
        if shared:
            raise Failure(f"frame {frame.number}, {name(frame)}: shares {min(shared).hex()} with a frame in")
    return f"{len(into)} frames in and {len(out)} out share no 8 bytes", min(len(into), len(out))


def sizes(frames):
    looked = 0
    for frame in frames:
        looked += 1
        if len(frame.payload) not in (wire.SMALL, wire.LARGE):
            raise Failure(f"frame {frame.number}: {len(frame.payload)} bytes")
        if frame.type not in (wire.INIT, wire.RESPONSE, wire.COOKIE_REPLY, wire.TRANSPORT, wire.RESET):
            raise Failure(f"frame {frame.number}: type {frame.type}")
        if frame.type in (wire.TRANSPORT, wire.COOKIE_REPLY) and frame.payload[1:4] != b"\0\0\0":
            raise Failure(f"frame {frame.number}: reserved bytes {frame.payload[1:4].hex()}")
    return f"{looked} datagrams have one of the two sizes", looked


def absent(paths, needle_file):
    wanted = needles.read(needle_file)
    looked = 0
    for path in paths:
        for number, (_, frame) in enumerate(wire.ethernet_frames(path)):
            looked += 1
            for label, needle in wanted:
                if needle in frame:
                    raise Failure(f"{path}: frame {number} holds {label}")
    return f"{len(wanted)} needles in none of {looked} frames", looked


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=("counters", "common", "sizes", "absent"))
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--needles")
    parser.add_argument("capture", nargs="+")
    options = parser.parse_args()
    frames = (f for path in options.capture for f in wire.datagrams(path, options.without))
    try:
        if options.check == "absent":
            text, looked = absent(options.capture, options.needles)
        else:
            text, looked = globals()[options.check](frames)
    except Failure as failure:
        print(f"check_wire {options.check}: {failure}")
        return 1
    print(f"check_wire {options.check}: {text}")
    return 0 if looked else 1


sys.exit(main())
