#!/usr/bin/env python3
"""Throws frames at a relay's port, straight onto an interface.

usage: throw.py garbage --interface I --relay A --relay6 A --source A --count N
       throw.py replay --interface I --relay A [--source A] --count N --capture FILE

garbage  datagrams that are wrong in one way each, and random ones; the same every time
replay   the frames that went to the relay in a capture, oldest first, at most N; from their own
         addresses unless --source is given
"""
import argparse
import random
import socket
import struct
import sys
import time

import wire
from spoof import link_address, relay_link_address

BURST = 64  # then a pause: a TAP holds 500 frames


def frame_types(rng):
    """Payloads that are wrong in one way each."""
    fill = rng.randbytes
    for size in (0, 1, 15, 16, 31, 511, 513, 1231, 1233, 1400):
        yield b"\x04\0\0\0" + fill(size) if size > 4 else fill(size)
    for kind in (0, 2, 3, 5, 6, 255):
        for size in (wire.SMALL, wire.LARGE):
            yield bytes([kind, 0, 0, 0]) + fill(size - 4)
    for position in (1, 2, 3):  # reserved bytes of a transport frame
        header = bytearray(b"\x04\0\0\0")
        header[position] = 1
        yield bytes(header) + fill(wire.SMALL - 4)
    for size in (wire.SMALL, wire.LARGE):  # unknown indices
        yield b"\x04\0\0\0" + fill(size - 4)
    yield b"\x01\x01\x01\0" + fill(wire.SMALL - 4)  # an init with wrong macs
    yield b"\x01\x01\x02\0" + fill(wire.SMALL - 4)
    yield b"\x01\x02\x01\0" + fill(wire.SMALL - 4)  # of another version
    yield b"\x01\x01\x09\0" + fill(wire.SMALL - 4)  # of an unknown suite
    yield b"\x01\x01\x01\x01" + fill(wire.SMALL - 4)  # with a reserved byte
    yield b"\x01\x01\x01\0" + fill(wire.LARGE - 4)  # of the other size


def spoil_ip(rng, frame):
    """Ethernet frames that are wrong below UDP; frame is a good one over IPv4."""
    ethernet, ip, rest = frame[:14], bytearray(frame[14:34]), frame[34:]

    def with_checksum(header):
        header[10:12] = b"\0\0"
        header[10:12] = struct.pack(">H", wire.checksum(bytes(header)))
        return ethernet + bytes(header) + rest

    first = bytearray(ip)
    first[6:8] = b"\x20\x00"  # more fragments
    yield with_checksum(first)
    last = bytearray(ip)
    last[6:8] = b"\x00\x40"  # a fragment's offset
    yield with_checksum(last)
    longer = bytearray(ip)
    longer[2:4] = struct.pack(">H", 1400)  # claims more than there is
    yield with_checksum(longer)
    elsewhere = bytearray(ip)
    elsewhere[16:20] = socket.inet_aton("198.18.0.99")
    yield with_checksum(elsewhere)
    wrong = bytearray(ip)
    wrong[10] ^= 0xFF  # header checksum
    yield ethernet + bytes(wrong) + rest
    yield ethernet + bytes(ip) + rest[:6] + bytes([rest[6] ^ 0x55, rest[7]]) + rest[8:]  # UDP's
    for length in (14, 15, 20, 33, 34, 41, 42):
        yield frame[:length]
    yield frame[:12] + b"\x88\xcc" + rng.randbytes(60)
    for source in ("224.0.0.1", "0.0.0.0", "255.255.255.255", "198.18.0.2"):
        bad = bytearray(ip)
        bad[12:16] = socket.inet_aton(source)
        yield with_checksum(bad)


def garbage(options, macs):
    rng = random.Random(4460)
    frames = []
    while len(frames) < options.count:
        for payload in frame_types(rng):
            source = (options.source, rng.randrange(1024, 65536))
            frames.append(wire.ethernet_udp(macs, source, (options.relay, wire.PORT), payload))
            if options.relay6 and rng.random() < 0.3:
                frames.append(
                    wire.ethernet_udp(
                        macs, ("2001:2::66", source[1]), (options.relay6, wire.PORT), payload
                    )
                )
        good = wire.ethernet_udp(
            macs, (options.source, 9999), (options.relay, wire.PORT), b"\x04\0\0\0" + rng.randbytes(508)
        )
        frames.extend(spoil_ip(rng, good))
        frames.append(macs[0] + macs[1] + rng.randbytes(rng.randrange(2, 1400)))
    return frames[: options.count]


def replay(options, macs):
    frames = []
    for datagram in wire.datagrams(options.capture):
        if not datagram.to_relay or datagram.source[0] in ("198.18.0.66", "198.18.0.67"):
            continue
        source = (options.source or datagram.source[0], datagram.source[1])
        if ":" not in source[0]:
            frames.append(
                wire.ethernet_udp(macs, source, (options.relay, wire.PORT), datagram.payload)
            )
    return frames[: options.count]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("garbage", "replay"))
    for option in ("interface", "relay"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--relay6")
    parser.add_argument("--source")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--capture")
    options = parser.parse_args()
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((options.interface, 0))
    macs = (relay_link_address(options.relay), link_address(options.interface))
    frames = (garbage if options.what == "garbage" else replay)(options, macs)
    for number, frame in enumerate(frames):
        out.send(frame)
        if number % BURST == BURST - 1:
            time.sleep(0.005)
    print(f"{options.what}: {len(frames)} frames")
    return 0 if frames else 1


if __name__ == "__main__":
    sys.exit(main())
