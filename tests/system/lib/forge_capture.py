#!/usr/bin/env python3
"""Makes a capture that check_wire.py has to refuse: copies one, and adds a frame from the relay that
has 8 bytes of a frame to the relay in it, and a (key, counter) pair that was used before.

usage: forge_capture.py CAPTURE FORGED
"""
import struct
import sys

import wire


def main():
    source, forged = sys.argv[1:]
    into = [d for d in wire.datagrams(source) if d.to_relay and d.type == wire.TRANSPORT]
    out = [d for d in wire.datagrams(source) if not d.to_relay and d.type == wire.TRANSPORT]
    payload = bytearray(out[-1].payload)
    payload[100:108] = into[0].payload[301:309]
    frame = wire.ethernet_udp(
        (out[-1].ethernet[0:6], out[-1].ethernet[6:12]), out[-1].source, out[-1].destination, bytes(payload)
    )
    with open(source, "rb") as file:
        data = file.read()
    # First among the records: the comparison looks at the first few thousand frames.
    head = wire.PCAP_HEADER + struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
    with open(forged, "wb") as file:
        file.write(head + data[len(wire.PCAP_HEADER) :])


main()
