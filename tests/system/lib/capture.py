#!/usr/bin/env python3
"""Captures all that crosses a network interface, both ways, into a pcap file until SIGTERM.

usage: capture.py INTERFACE FILE
Prints "capturing" once it listens. Fails if the kernel dropped a frame: a check on an incomplete
capture would prove nothing.
"""
import signal
import socket
import struct
import sys
import time

import wire

SOL_PACKET, PACKET_STATISTICS, SO_RCVBUFFORCE = 263, 6, 33
ETH_P_ALL = 0x0003


def main():
    interface, path = sys.argv[1:]
    stop_at = None  # when to end, though frames may still come

    def stop(*_):
        nonlocal stop_at
        stop_at = time.time() + 0.2

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # Of protocol 0 it hears nothing before bind; else it would hear every interface until then.
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    tap.bind((interface, ETH_P_ALL))
    tap.settimeout(0.1)
    with open(path, "wb") as out:
        out.write(wire.PCAP_HEADER)
        print("capturing", flush=True)
        # What is queued already when SIGTERM comes is still written.
        while stop_at is None or time.time() < stop_at:
            try:
                frame = tap.recv(65535)
            except socket.timeout:
                out.flush()
                continue
            except OSError:  # the interface went away with its dataplane, or is down
                out.flush()
                time.sleep(0.02)
                continue
            now = time.time()
            out.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)
    seen, dropped = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(f"captured {seen}, dropped {dropped}", flush=True)
    return 1 if dropped else 0


sys.exit(main())
