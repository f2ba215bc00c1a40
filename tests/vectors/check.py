#!/usr/bin/env python3
"""Makes every byte of frames.json a second time, in another language and without a line of the
product: from the inputs and docs/protocol.md alone. Ends with 1 at the first difference.

usage: tests/vectors/check.py"""
import base64
import hashlib
import hmac
import json
import os
import struct
import sys

from primitives import aesgcm_seal, chachapoly_seal, x25519, xchachapoly_seal

SENDER_INDEX, RELAY_INDEX = 0x0D0C0B0A, 3 << 27 | 0x1234567
BOOT = 0x8877665544332211
SEALS = {"AESGCM": (aesgcm_seal, ">"), "ChaChaPoly": (chachapoly_seal, "<")}
CIPHERS = {1: "AESGCM", 2: "ChaChaPoly"}


def blake2b(data, size, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def aead_seal(cipher, key, counter, plain, ad=b""):
    seal, order = SEALS[cipher]
    return seal(key, bytes(4) + struct.pack(order + "Q", counter), plain, ad)


class Noise:
    """Both ends of a handshake at once: every secret key is known here."""

    def __init__(self, pattern, cipher, prologue, responder_static):
        name = f"Noise_{pattern}_25519_{cipher}_SHA256".encode()
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.ck, self.cipher, self.k, self.n = self.h, cipher, b"", 0
        self.mix_hash(prologue)
        self.mix_hash(x25519(responder_static))

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def hkdf(self, data, count):
        temp, out = hmac.digest(self.ck, data, "sha256"), [b""]
        for i in range(count):
            out.append(hmac.digest(temp, out[-1] + bytes([i + 1]), "sha256"))
        return out[1:]

    def mix_key(self, data):
        self.ck, self.k = self.hkdf(data, 2)
        self.n = 0

    def psk(self, psk):
        self.ck, more, self.k = self.hkdf(psk, 3)
        self.mix_hash(more)
        self.n = 0

    def e(self, secret):
        public = x25519(secret)
        self.mix_hash(public)
        self.mix_key(public)
        return public

    def dh(self, secret, other_secret):
        self.mix_key(x25519(secret, x25519(other_secret)))

    def seal(self, plain):
        out = aead_seal(self.cipher, self.k, self.n, plain, self.h)
        self.n += 1
        self.mix_hash(out)
        return out


class Frames:
    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            rows = json.load(file)["frames"]
        self.published = {row["name"]: bytes.fromhex(row["hex"]) for row in rows}
        self.made = set()

    def __getitem__(self, name):
        """An input, taken as it is."""
        self.made.add("in." + name)
        return self.published["in." + name]

    def put(self, name, value):
        if self.published.get(name) != value:
            sys.exit(f"{name} differs:\n  published {self.published.get(name, b'').hex()}"
                     f"\n  made here {value.hex()}")
        self.made.add(name)
        return value


def inner(kind, frame_id, route=bytes(16)):
    return struct.pack("<BBBBIQ", kind, 0, 0, 0, 0, frame_id) + route


def make_sealed(f, size, payload_len):
    text = b"Claude Chappe, Brulon to Parce, 2 March 1791"
    header = inner(1, 0x0102030405060708 + payload_len, f["route"])
    plain = struct.pack("<BBHHHQ", 1, 0, 0, 1, len(text), 1) + text
    plain = f.put(f"e2e.{size}_plain", plain.ljust(payload_len - 96, b"\0"))
    noise = Noise("Xpsk1", "ChaChaPoly", b"chappe e2e 1" + header, f["device_secret"])
    out = noise.e(f["sender_ephemeral_secret"])
    noise.dh(f["sender_ephemeral_secret"], f["device_secret"])
    out += noise.seal(f["sender_public"])
    noise.dh(f["sender_secret"], f["device_secret"])
    noise.psk(f["contact_psk"])
    return f.put(f"e2e.{size}_live", header + out + noise.seal(plain))


def make_link(f, kind, fields):
    body = b"\1" + b"".join(bytes([tag, len(value)]) + value for tag, value in fields)
    total = blake2b(b"chappe link" + kind + b"\0" + body, 16)[:8]
    text = base64.urlsafe_b64encode(body + total).rstrip(b"=")
    f.put("link." + kind.decode(), b"chappe:" + kind + b"/" + text)


def make_links(f):
    relay = [(0x81, b"relay.example.org:4460"), (0x81, b"[2001:2::2]:4460"),
             (0x82, f["relay_public"])]
    make_link(f, b"invite", relay + [(0x86, f["invitation_id"]), (0x87, f["psk"]),
                                     (8, struct.pack("<Q", 1800000000))])
    make_link(f, b"contact", relay + [(0x83, f["route"]), (0x84, f["device_public"]),
                                      (0x85, f["contact_psk"])])
    hello = relay + [(0x83, f["route"])]
    f.put("link.hello", b"\1" + b"".join(bytes([t, len(v)]) + v for t, v in hello))
    keys = b"".join(sorted((f["device_public"], f["sender_public"])))
    digest = blake2b(b"chappe sas 1" + keys + f["contact_psk"], 32)
    groups = (int.from_bytes(digest[5 * n:5 * n + 5], "big") % 100000 for n in range(6))
    f.put("link.sas", " ".join(f"{group:05}" for group in groups).encode())


def make_macs(f, put, body):
    mac1 = blake2b(body, 16, blake2b(b"chappe mac1" + f["relay_public"], 32))
    put("init", body + mac1 + bytes(16))
    cookie = put("cookie", blake2b(f["source"], 16, f["cookie_secret"]))
    sealed = xchachapoly_seal(blake2b(b"chappe cookie" + f["relay_public"], 32),
                              f["cookie_nonce"], cookie, mac1)
    put("cookie_reply", struct.pack("<II", 3, SENDER_INDEX) + f["cookie_nonce"] + sealed
        + bytes(448))
    put("init_mac2", body + mac1 + blake2b(body + mac1, 16, cookie))


def make_handshake(f, suite, put):
    head = bytes([1, 1, suite, 0]) + struct.pack("<I", SENDER_INDEX)
    prologue = put("prologue", b"chappe 1" + head)
    payload = struct.pack("<Q", 7) + f["invitation_id"] + struct.pack("<H", 25)
    payload = put("init_payload", payload.ljust(376, b"\0"))
    device, relay = f["device_secret"], f["relay_secret"]
    device_e, relay_e = f["device_ephemeral_secret"], f["relay_ephemeral_secret"]

    noise = Noise("IKpsk2", CIPHERS[suite], prologue, relay)
    message = noise.e(device_e)
    noise.dh(device_e, relay)
    message += noise.seal(f["device_public"])
    noise.dh(device, relay)
    make_macs(f, put, head + message + noise.seal(payload))

    reset_key = blake2b(struct.pack("<I", RELAY_INDEX), 16, f["reset_secret"])
    payload = struct.pack("<BBHIIIQ", 0, 0, 0, 1 << 1, 1 << 1 | 1 << 2, RELAY_INDEX, BOOT)
    payload += reset_key + struct.pack("<HHHHIIQ", 900, 3600, 25, 10, 32, 1000, 1000000)
    payload = put("response_payload", payload.ljust(456, b"\0"))
    message = noise.e(relay_e)
    noise.dh(relay_e, device_e)
    noise.dh(relay_e, device)
    noise.psk(f["psk"])
    put("response", bytes([2, 1, suite, 0]) + head[4:] + message + noise.seal(payload))
    put("handshake_hash", noise.h)
    to_relay, to_device, refresh = noise.hkdf(b"", 3)
    put("refresh_key", refresh)
    return put("device_to_relay_key", to_relay), put("relay_to_device_key", to_device), reset_key


def make_suite(f, suite, small, large):
    def put(name, value):
        return f.put(f"suite{suite}.{name}", value)

    to_relay, to_device, reset_key = make_handshake(f, suite, put)

    def up(name, counter, body):
        put(name, struct.pack("<IIQ", 4, RELAY_INDEX, counter)
            + aead_seal(CIPHERS[suite], to_relay, counter, body))

    def down(name, counter, body):
        put(name, struct.pack("<IIQ", 4, SENDER_INDEX, counter)
            + aead_seal(CIPHERS[suite], to_device, counter, body))

    def cell(header, body):
        return (header + body).ljust(480, b"\0")

    ask = inner(6, 0x1112131415161718)
    up("keepalive_ask", 0, put("keepalive_ask_inner", cell(ask, b"")))
    down("keepalive_answer", 0, cell(ask, b"\1"))
    challenge = cell(inner(6, 0x2122232425262728), b"\2\1" + bytes(6) + f["token"])
    down("keepalive_challenge", 2, put("keepalive_challenge_inner", challenge))
    up("keepalive_echo", 2,
       cell(inner(6, 0x3132333435363738), b"\0\1" + bytes(6) + f["token"]))
    for body, size, counter in ((small, "small", 1), (large, "large", 2**30 - 1)):
        up(f"live_{size}_to_relay", counter, body)
        down(f"live_{size}_to_device", counter, body)

    request = inner(5, 0x4142434445464748)
    body = cell(request, struct.pack("<HHI", 1, 4, 1))
    up("control_request", 3, put("control_request_inner", body))
    body = cell(request, struct.pack("<HHH", 0x8001, 18, 0) + f["route"])
    down("control_answer", 3, put("control_answer_inner", body))

    for size, length in (("small", 512), ("large", 1232)):
        body = struct.pack("<IIQQ", 5, RELAY_INDEX, 4, BOOT).ljust(length - 16, b"\0")
        put(f"reset_{size}", body + blake2b(body, 16, reset_key))


def main():
    f = Frames(os.path.join(os.path.dirname(os.path.abspath(__file__)), "frames.json"))
    for name in ("relay", "relay_ephemeral", "device", "device_ephemeral", "sender",
                 "sender_ephemeral"):
        f.put(f"in.{name}_public", x25519(f[f"{name}_secret"]))
    small, large = make_sealed(f, "small", 448), make_sealed(f, "large", 1168)
    make_links(f)
    for suite in CIPHERS:
        make_suite(f, suite, small, large)
    left = set(f.published) - f.made
    if left:
        sys.exit("published but not made here: " + ", ".join(sorted(left)))
    print(f"{len(f.made)} of {len(f.published)} byte strings agree")


main()
