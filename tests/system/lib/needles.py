"""Needles: byte strings that must not be found somewhere, in a file of lines "NAME HEX"."""


def read(path):
    with open(path, encoding="ascii") as file:
        found = [(name, bytes.fromhex(value)) for name, value in (line.split() for line in file)]
    if not found:
        raise SystemExit(f"{path}: no needles: a search for nothing proves nothing")
    for name, value in found:
        if len(value) < 8:
            raise SystemExit(f"{path}: {name} is shorter than 8 bytes and would be found by chance")
    return found
