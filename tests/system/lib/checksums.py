#!/usr/bin/env python3
"""Makes the kernel write UDP checksums itself on interfaces: `ethtool -K INTERFACE tx off`.

usage: checksums.py INTERFACE...
"""
import ctypes
import fcntl
import socket
import struct
import sys

SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    for interface in sys.argv[1:]:
        value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
        fcntl.ioctl(
            control, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
        )
