#!/usr/bin/env python3
"""Collects what a relay must never hold, as needles: the secret keys of devices and contacts and
the secrets that contacts share. Prints lines "NAME HEX".

usage: collect_needles.py [--text NAME VALUE]... [--link CONTACT-LINK]... DEVICE-DIRECTORY...

Each secret is searched for raw and in the texts that it is stored and handed over in: hexadecimal
and base64. What the relay shares with a device by design, the psk of the hop and the routes, is not
among them.
"""
import argparse
import base64
import os
import re
import sys

LINK_PSK, LINK_DEVICE_KEY = 5, 4  # src/link.h


def forms(name, secret):
    yield name, secret
    yield name + ".hex", secret.hex().encode()
    # Whatever stands before it, base64 of a secret holds its middle in one of three alignments.
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret)
        yield f"{name}.base64.{shift}", text[4 : len(secret) // 3 * 4]


def decode(text):
    text = text.strip()
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return bytes.fromhex(text)
    if re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", text):
        return base64.b64decode(text.replace("-", "+").replace("_", "/").rstrip("=") + "=")
    return None


def of_directory(path):
    """Secrets in a device's files: fields `key` and `psk`, but the psk of the device itself."""
    for name in sorted(os.listdir(path)):
        if not os.path.isfile(os.path.join(path, name)):
            continue
        with open(os.path.join(path, name), encoding="utf-8", errors="replace") as file:
            for line in file:
                field, _, value = line.strip().partition(" ")
                value = value.lstrip("= ")
                secret = decode(value)
                if secret and field in ("key", "psk", "secret") and (name, field) != ("device", "psk"):
                    yield f"{os.path.basename(path)}/{name}/{field}", secret


def of_link(number, link):
    body = link.strip().split("/", 1)[1]
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    offset = 1
    while offset < len(data) - 8:
        tag, length = data[offset], data[offset + 1]
        if tag & 0x7F == LINK_PSK:
            yield f"link{number}.psk", data[offset + 2 : offset + 2 + length]
        offset += 2 + length
    # And the text itself, from where the relay's names and key are over.
    yield f"link{number}.text", body[-80:-16].encode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", action="append", nargs=2, default=[])
    parser.add_argument("--link", action="append", default=[])
    parser.add_argument("directory", nargs="+")
    options = parser.parse_args()
    secrets = []
    for directory in options.directory:
        found = list(of_directory(directory))
        if len(found) < 3:
            raise SystemExit(f"{directory}: only {len(found)} secrets: has the format changed?")
        secrets += found
    for number, link in enumerate(options.link):
        found = list(of_link(number, link))
        if not any(name.endswith(".psk") for name, _ in found):
            raise SystemExit("a link without a psk: has the format changed?")
        secrets += found
    for name, secret in secrets:
        for form, value in forms(name, secret):
            print(form, value.hex())
    for name, value in options.text:
        for form, needle in forms(name, value.encode()):
            print(form, needle.hex())


sys.exit(main())
