"""IP packets of all kinds, made by scapy, for every function: (name, packet, whether its checksums are wrong)."""
from scapy.all import (
    GRE, ICMP, IP, SCTP, TCP, UDP, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6TimeExceeded, IPv6,
    IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, RouterAlert,
    IPOption_NOP, IPOption_RR, IPOption_Router_Alert, IPOption_Timestamp, SCTPChunkInit,
)


def body(length):
    return Raw(bytes((7 * index + length) & 0xFF for index in range(length)))


def ipv4(source, destination):
    """Whole packets of at most 1200 bytes."""
    def ip(**fields):
        return IP(src=source, dst=destination, **{"id": 7, "ttl": 64, **fields})

    quoted = bytes(IP(src=destination, dst=source) / UDP(sport=9, dport=9) / body(8))
    yield "echo request", ip() / ICMP(type=8, id=1, seq=2) / body(56), False
    yield "echo reply", ip() / ICMP(type=0, id=1, seq=2) / body(57), False
    for kind, code in ((3, 0), (3, 1), (3, 3), (3, 4), (5, 1), (11, 0), (11, 1), (12, 0)):
        yield f"icmp error {kind}/{code}", ip() / ICMP(type=kind, code=code) / Raw(quoted), False
    for length in (0, 1, 2, 3, 17, 18, 19, 255, 1000, 1023):
        yield f"udp with {length} bytes", ip() / UDP(sport=4000, dport=4001) / body(length), False
    yield "udp without a checksum", ip() / UDP(sport=4000, dport=4001, chksum=0) / body(20), True
    yield "udp with a bad checksum", ip() / UDP(sport=4000, dport=4001, chksum=0x1234) / body(20), True
    yield "tcp", ip() / TCP(sport=4000, dport=80, flags="S", options=[("MSS", 1460), ("WScale", 7)]), False
    yield "tcp with data", ip(flags="DF") / TCP(sport=4000, dport=80, flags="PA", seq=5, ack=6) / body(333), False
    yield "tcp with a bad checksum", ip() / TCP(sport=4000, dport=80, chksum=0x4321) / body(3), True
    yield "tcp with all flags", ip() / TCP(sport=4000, dport=80, flags=0xFF), False
    yield "icmp with a bad checksum", ip() / ICMP(type=8, chksum=0xBEEF) / body(9), True
    yield "sctp", ip(proto=132) / SCTP(sport=4000, dport=5000) / SCTPChunkInit(), False
    yield "gre", ip() / GRE(proto=0x0800) / Raw(quoted), False
    yield "an unknown protocol", ip(proto=253) / body(33), False
    yield "no payload", ip(proto=253), False
    yield "traffic class and ECN", ip(tos=0xBB) / UDP(sport=4000, dport=4001) / body(10), False
    for ttl in (2, 3, 255):
        yield f"ttl {ttl}", ip(ttl=ttl) / UDP(sport=4000, dport=4001) / body(10), False
    for name, option in (
        ("no-operation", [IPOption_NOP()] * 4),
        ("record route", [IPOption_RR(length=11, pointer=4, routers=["0.0.0.0", "0.0.0.0"])]),
        ("timestamp", [IPOption_Timestamp(length=8, flg=0, timestamp=0)]),
        ("router alert", [IPOption_Router_Alert()]),
        ("40 bytes of options", [IPOption_NOP()] * 40),
    ):
        yield f"ip options: {name}", ip(options=option) / UDP(sport=4000, dport=4001) / body(21), False
    for name, offset, more, part in (
        ("first", 0, True, bytes(UDP(sport=4000, dport=4001, len=72, chksum=0x1111) / body(16))),
        ("middle", 3, True, b"m" * 24),
        ("overlapping", 2, True, b"o" * 24),
        ("last", 6, False, b"l" * 23),
        ("farthest", 8189, False, b"f" * 15),
        ("tiny first", 0, True, b"\x0f\xa0\x0f\xa1\x00\x40\x11\x11"),
    ):
        yield f"fragment: {name}", ip(proto=17, frag=offset, flags="MF" if more else 0) / Raw(part), False


def ipv6(source, destination):
    """Whole packets of at most 1200 bytes. The extension headers are those of RFC 8200 and one that nobody knows."""
    def ip(**fields):
        return IPv6(src=source, dst=destination, **{"hlim": 64, **fields})

    quoted = bytes(IPv6(src=destination, dst=source) / UDP(sport=9, dport=9) / body(8))
    options = [PadN(optdata=b"\x00" * 4)]
    yield "v6 echo request", ip() / ICMPv6EchoRequest(id=1, seq=2, data=bytes(57)), False
    yield "v6 unreachable", ip() / ICMPv6DestUnreach(code=4) / Raw(quoted), False
    yield "v6 time exceeded", ip() / ICMPv6TimeExceeded() / Raw(quoted), False
    for length in (0, 1, 19, 255, 1023):
        yield f"v6 udp with {length} bytes", ip() / UDP(sport=4000, dport=4001) / body(length), False
    yield "v6 udp with a bad checksum", ip() / UDP(sport=4000, dport=4001, chksum=0x1234) / body(20), True
    yield "v6 tcp", ip(tc=0xBB, fl=0xABCDE) / TCP(sport=4000, dport=80, flags="S", options=[("MSS", 1440)]), False
    yield "v6 sctp", ip(nh=132) / SCTP(sport=4000, dport=5000) / SCTPChunkInit(), False
    yield "v6 no next header", ip(nh=59), False
    yield "v6 an unknown header", ip(nh=253) / body(40), False
    for limit in (2, 255):
        yield f"v6 hop limit {limit}", ip(hlim=limit) / UDP(sport=4000, dport=4001) / body(10), False
    udp = UDP(sport=4000, dport=4001) / body(31)
    yield "v6 hop-by-hop", ip() / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / udp, False
    yield "v6 destination options", ip() / IPv6ExtHdrDestOpt(options=options) / udp, False
    yield "v6 destination options twice", ip() / IPv6ExtHdrDestOpt(options=options) / IPv6ExtHdrDestOpt(
        options=[PadN(optdata=b"\x00" * 12)]) / udp, False
    # Nothing is left of the route: the destination is the packet's.
    yield "v6 routing", ip() / IPv6ExtHdrRouting(type=0, addresses=["2001:db8:5::5"], segleft=0) / udp, False
    yield "v6 all before a fragment", ip() / IPv6ExtHdrHopByHop(options=options) / IPv6ExtHdrRouting(
        addresses=["2001:db8:5::5"], segleft=0) / IPv6ExtHdrFragment(id=9, offset=0, m=0) / udp, False
    first = bytes(UDP(sport=4000, dport=4001, len=80, chksum=0x1111) / body(24))
    for name, offset, more, part in (
        ("first", 0, 1, first),
        ("middle", 4, 1, b"m" * 24),
        ("overlapping", 3, 1, b"o" * 24),
        ("last", 7, 0, b"l" * 23),
        ("tiny first", 0, 1, b"\x0f\xa0\x0f\xa1\x00\x50\x11\x11"),
    ):
        yield f"v6 fragment: {name}", ip() / IPv6ExtHdrFragment(nh=17, id=9, offset=offset, m=more) / Raw(part), False
