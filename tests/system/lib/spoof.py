#!/usr/bin/env python3
"""An attacker on the path: takes frames of a device from one interface, where the router does not
forward them, and sends them to the relay from an address of his own.

usage: spoof.py --listen INTERFACE --send INTERFACE --source ADDRESS --relay ADDRESS --count N
"""
import argparse
import socket
import sys
import time

import wire

ETH_P_ALL = 3


def link_address(interface):
    with open(f"/sys/class/net/{interface}/address", encoding="ascii") as file:
        return bytes.fromhex(file.read().strip().replace(":", ""))


def relay_link_address(relay):
    """From the kernel's neighbour table: a router that forwards to the relay knows it."""
    with open("/proc/net/arp", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if fields[0] == relay:
                return bytes.fromhex(fields[3].replace(":", ""))
    raise SystemExit(f"no neighbour {relay}")


def main():
    parser = argparse.ArgumentParser()
    for option in ("listen", "send", "source", "relay"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()
    listen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    listen.bind((options.listen, ETH_P_ALL))
    listen.settimeout(10)
    send = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    send.bind((options.send, 0))
    macs = (relay_link_address(options.relay), link_address(options.send))
    sent = 0
    until = time.monotonic() + 15
    while sent < options.count and time.monotonic() < until:
        frame, address = listen.recvfrom(65535)
        if address[2] == socket.PACKET_OUTGOING:
            continue
        datagram = wire.parse(0, 0, frame)
        if not datagram or not datagram.to_relay or datagram.type != wire.TRANSPORT:
            continue
        send.send(
            wire.ethernet_udp(
                macs, (options.source, datagram.source[1]), (options.relay, wire.PORT), datagram.payload
            )
        )
        sent += 1
    print(f"sent {sent} frames of {datagram.source[0]} from {options.source}")
    return 0 if sent == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
