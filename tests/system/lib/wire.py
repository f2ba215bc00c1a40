"""Frames on the wire: what the system tests' tools share. Python's standard library only."""
import socket
import struct

PORT = 4460
SMALL, LARGE = 512, 1232
INIT, RESPONSE, COOKIE_REPLY, TRANSPORT, RESET = 1, 2, 3, 4, 5
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


class Datagram:
    """A UDP datagram to or from the relay, as it was on the Ethernet."""

    __slots__ = ("number", "time", "ethernet", "to_relay", "source", "destination", "payload")

    @property
    def type(self):
        return self.payload[0] if self.payload else 0

    @property
    def index(self):
        return struct.unpack_from("<I", self.payload, 4)[0]

    @property
    def counter(self):
        return struct.unpack_from("<Q", self.payload, 8)[0]


def parse(number, time, ethernet):
    """The relay's datagram in an Ethernet frame, or None."""
    offset = 12
    kind = struct.unpack_from(">H", ethernet, offset)[0]
    if kind == 0x8100:
        offset += 4
        kind = struct.unpack_from(">H", ethernet, offset)[0]
    offset += 2
    try:
        if kind == 0x0800:
            if ethernet[offset + 9] != 17:
                return None
            family = socket.AF_INET
            source, destination = ethernet[offset + 12 : offset + 16], ethernet[offset + 16 : offset + 20]
            offset += (ethernet[offset] & 15) * 4
        elif kind == 0x86DD:
            if ethernet[offset + 6] != 17:
                return None
            family = socket.AF_INET6
            source, destination = ethernet[offset + 8 : offset + 24], ethernet[offset + 24 : offset + 40]
            offset += 40
        else:
            return None
        sport, dport, length = struct.unpack_from(">HHH", ethernet, offset)
    except (IndexError, struct.error):
        return None
    if PORT not in (sport, dport):
        return None
    datagram = Datagram()
    datagram.number, datagram.time, datagram.ethernet = number, time, ethernet
    datagram.to_relay = dport == PORT
    datagram.source = (socket.inet_ntop(family, source), sport)
    datagram.destination = (socket.inet_ntop(family, destination), dport)
    datagram.payload = ethernet[offset + 8 : offset + length]
    return datagram


def ethernet_frames(path):
    """(time, frame) for every record of a capture file."""
    with open(path, "rb") as file:
        data = file.read()
    offset = len(PCAP_HEADER)
    while offset + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from("<IIII", data, offset)
        offset += 16
        yield seconds + micros / 1e6, data[offset : offset + length]
        offset += length


def datagrams(path, without=()):
    """The relay's datagrams in a capture file, but those of the addresses in without."""
    for number, (time, frame) in enumerate(ethernet_frames(path)):
        datagram = parse(number, time, frame)
        if datagram and not {datagram.source[0], datagram.destination[0]} & set(without):
            yield datagram


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet_udp(macs, source, destination, payload):
    """An Ethernet frame with a UDP datagram; macs = (destination, source) as bytes."""
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    addresses = socket.inet_pton(family, source[0]) + socket.inet_pton(family, destination[0])
    length = 8 + len(payload)
    header = struct.pack(">HHHH", source[1], destination[1], length, 0)
    if family == socket.AF_INET:
        pseudo = addresses + struct.pack(">BBH", 0, 17, length)
    else:
        pseudo = addresses + struct.pack(">IHBB", length, 0, 0, 17)
    udp = header[:6] + struct.pack(">H", checksum(pseudo + header + payload) or 0xFFFF) + payload
    if family == socket.AF_INET:
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0) + addresses
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        return macs[0] + macs[1] + b"\x08\x00" + ip + udp
    ip = struct.pack(">IHBB", 0x60000000, length, 17, 64) + addresses
    return macs[0] + macs[1] + b"\x86\xdd" + ip + udp
