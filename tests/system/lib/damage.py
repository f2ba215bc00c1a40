#!/usr/bin/env python3
"""Damages a file as disks do: usage: damage.py HOW FILE. Fails, with 3, where it is too short for that."""
import os
import sys

how, path = sys.argv[1:]
size = os.path.getsize(path)
if size == 0:
    sys.exit(3)
with open(path, "r+b") as file:
    if how in ("begin", "middle", "end"):  # a byte there
        at = {"begin": 0, "middle": size // 2, "end": size - 1}[how]
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x55]))
    elif how == "zeros":  # a block of 512 bytes reads as zeros
        at = size // 2 // 512 * 512
        file.seek(at)
        file.write(bytes(min(512, size - at)))
    elif how == "half":  # what was written last is missing
        file.truncate(size // 2)
    elif how == "empty":
        file.truncate(0)
    else:
        sys.exit(f"damage.py: {how}?")
