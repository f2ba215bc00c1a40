"""The primitives that frames need and Python lacks, from their specifications, for checking only:
slow, and not in constant time. X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439), XChaCha20-Poly1305
(draft-irtf-cfrg-xchacha-03), AES-256-GCM (FIPS 197, NIST SP 800-38D)."""
import struct

P = 2**255 - 19


def x25519(secret, point=bytes([9]) + bytes(31)):
    k = int.from_bytes(secret, "little") & ~7 & (2**255 - 1) | 2**254
    u = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def _rotate(x, n):
    return (x << n | x >> 32 - n) & 0xFFFFFFFF


def _chacha_rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        for i, j, k, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[i] = (x[i] + x[j]) & 0xFFFFFFFF
            x[k] = _rotate(x[k] ^ x[i], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return x


def _chacha_state(key, tail):
    return struct.unpack("<16I", b"expand 32-byte k" + key + tail)


def _chacha_stream(key, nonce, counter, length):
    out = b""
    while len(out) < length:
        state = _chacha_state(key, struct.pack("<I", counter) + nonce)
        x = _chacha_rounds(state)
        out += struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, state)))
        counter += 1
    return out[:length]


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _pad16(data):
    return data + bytes(-len(data) % 16)


def chachapoly_seal(key, nonce, plain, ad=b""):
    one_time = _chacha_stream(key, nonce, 0, 32)
    out = _xor(plain, _chacha_stream(key, nonce, 1, len(plain)))
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(one_time[16:], "little")
    data = _pad16(ad) + _pad16(out) + struct.pack("<QQ", len(ad), len(out))
    total = 0
    for i in range(0, len(data), 16):
        block = int.from_bytes(data[i:i + 16], "little") | 2**128
        total = (total + block) * r % (2**130 - 5)
    return out + ((total + s) % 2**128).to_bytes(16, "little")


def xchachapoly_seal(key, nonce, plain, ad=b""):
    x = _chacha_rounds(_chacha_state(key, nonce[:16]))
    return chachapoly_seal(struct.pack("<8I", *x[:4], *x[12:]), bytes(4) + nonce[16:], plain, ad)


def _double(x):
    return (x << 1 ^ (0x11B if x & 0x80 else 0)) & 0xFF


def _make_sbox():
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= _double(p)  # times 3
        for shift in (1, 2, 4):  # divided by 3
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        r = [(q << n | q >> 8 - n) & 0xFF for n in range(5)]
        box[p] = r[0] ^ r[1] ^ r[2] ^ r[3] ^ r[4] ^ 0x63
        if p == 1:
            return box


_SBOX = _make_sbox()


def _aes256_round_keys(key):
    words, rcon = [key[i:i + 4] for i in range(0, 32, 4)], 1
    while len(words) < 60:
        word = words[-1]
        if len(words) % 8 == 0:
            word = bytes(_SBOX[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ rcon]) + word[1:]
            rcon = _double(rcon)
        elif len(words) % 8 == 4:
            word = bytes(_SBOX[b] for b in word)
        words.append(_xor(words[-8], word))
    return [b"".join(words[i:i + 4]) for i in range(0, 60, 4)]


def _aes256(round_keys, block):
    state = _xor(block, round_keys[0])
    for number, round_key in enumerate(round_keys[1:], 1):
        state = bytes(_SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if number < 14:
            mixed = []
            for c in range(0, 16, 4):
                column = state[c:c + 4]
                for i in range(4):
                    a, b = column[i], column[(i + 1) % 4]
                    mixed.append(_double(a) ^ _double(b) ^ b ^ column[(i + 2) % 4]
                                 ^ column[(i + 3) % 4])
            state = bytes(mixed)
        state = _xor(state, round_key)
    return state


def _ghash(h, data):
    h, total = int.from_bytes(h, "big"), 0
    for i in range(0, len(data), 16):
        x, v, total = total ^ int.from_bytes(data[i:i + 16], "big"), h, 0
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                total ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return total.to_bytes(16, "big")


def aesgcm_seal(key, nonce, plain, ad=b""):
    keys = _aes256_round_keys(key)

    def stream(counter):
        return _aes256(keys, nonce + struct.pack(">I", counter))

    blocks = (len(plain) + 15) // 16
    out = _xor(plain, b"".join(stream(2 + i) for i in range(blocks)))
    data = _pad16(ad) + _pad16(out) + struct.pack(">QQ", 8 * len(ad), 8 * len(out))
    return out + _xor(_ghash(_aes256(keys, bytes(16)), data), stream(1))
