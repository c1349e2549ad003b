"""Frames for a router between three networks: N is 10.0.N.0/24 and 2001:db8:N::/64, its host N ends in 2."""
from scapy.all import (
    ARP, ICMP, IP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA,
    ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6,
    IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw, IPOption_NOP, IPOption_Router_Alert, raw,
)

from packets import body, ipv4, ipv6
from scenario import Scenario

HOSTS = ("a", "b", "c")
SMALL = 1400  # the MTU of c's network
BROADCAST = "ff:ff:ff:ff:ff:ff"


def number(host):
    return HOSTS.index(host) + 1


def station(host):
    return f"02:00:00:00:0c:0{number(host)}"


def gateway(host):
    return f"02:00:00:00:0d:0{number(host)}"


def v4(host, last=2):
    return f"10.0.{number(host)}.{last}"


def v6(host, last=2):
    return f"2001:db8:{number(host)}::{last}"


def to_router(packet, host="a", **fields):
    return Ether(**{"src": station(host), "dst": gateway(host), **fields}) / packet


def routed(frame, host, mac=None):
    """The frame as it leaves to a host: one hop older, all else as it came."""
    out = Ether(raw(frame))
    out.src, out.dst = gateway(host), mac or station(host)
    if IP in out:
        out[IP].ttl -= 1
        del out[IP].chksum
    else:
        out[IPv6].hlim -= 1
    return raw(out)


def told(frame, host, message):
    """What the router says about a frame to its sender."""
    sent = Ether(raw(frame))
    link = Ether(src=gateway(host), dst=sent.src)
    if IP in sent:
        quoted = raw(sent[IP])[: sent[IP].len][:548]
        return raw(link / IP(src=v4(host, 1), dst=sent[IP].src, tos=0xC0, id=0, ttl=64) / message / Raw(quoted))
    quoted = raw(sent[IPv6])[: 40 + sent[IPv6].plen][:1232]
    return raw(link / IPv6(src=v6(host, 1), dst=sent[IPv6].src, hlim=64) / message / Raw(quoted))


def make(hook):
    ports = {
        host: {
            "addresses": [f"{v4(host, 1)}/24", f"{v6(host, 1)}/64"],
            "mac": gateway(host),
            "mtu": SMALL if host == "c" else 3000,
        }
        for host in HOSTS
    }
    neighbours = [
        {"port": host, "address": address, "mac": station(host)} for host in HOSTS for address in (v4(host), v6(host))
    ]
    routes = [
        {"prefix": "10.8.0.0/16", "blackhole": True},
        {"prefix": "10.9.0.0/16", "prohibit": True},
        {"prefix": "2001:db8:9::/48", "prohibit": True},
        {"prefix": "10.7.0.0/16", "via": v4("b")},
        {"prefix": "2001:db8:7::/48", "via": v6("b")},
    ]
    config = {"neighbours": neighbours, "routes": routes, "icmpRate": 10000}
    functions = {"r": {"kind": "router", "config": config, "ports": ports}}
    graph = {"functions": functions, "links": [f"dev:{host} -> r.{host}" for host in HOSTS]}
    scenario = Scenario(graph, list(HOSTS), 9000 if hook == "tcx" else 3000)
    scenario.phase("a")
    forwarding(scenario)
    not_forwarded(scenario)
    broken(scenario)
    errors(scenario)
    sizes(scenario)
    for_the_router(scenario)
    discovery(scenario)
    neighbours_by_asking(scenario)
    return scenario


def forwarding(scenario):
    def forward(name, packet, damaged=False):
        frame = to_router(packet)
        scenario.send(name, frame, {"b": [routed(frame, "b")]}, damaged)

    for name, packet, damaged in ipv4(v4("a"), v4("b")):
        forward(name, packet, damaged)
    for name, packet, damaged in ipv6(v6("a"), v6("b")):
        forward(name, packet, damaged)
    forward("by a gateway", IP(src=v4("a"), dst="10.7.1.2") / UDP() / body(9))
    forward("v6 by a gateway", IPv6(src=v6("a"), dst="2001:db8:7::9") / UDP() / body(9))
    padded = Ether(raw(to_router(IP(src=v4("a"), dst=v4("b")) / UDP() / Raw(b"x"))) + bytes(17))
    scenario.send("padding", padded, {"b": [routed(padded, "b")]}, True)
    for checksum in range(4):
        # The checksum in the header comes out near 0 and 0xffff, where an update goes wrong most easily.
        plain = IP(raw(IP(src=v4("a"), dst=v4("b"), ttl=9) / UDP()))
        wanted = (0x0100 * (checksum % 2) + 0xFFFE + checksum // 2) & 0xFFFF
        identity = (plain.id + plain.chksum - wanted) % 0xFFFF
        forward(f"header checksum near {wanted:x}", IP(src=v4("a"), dst=v4("b"), ttl=9, id=identity) / UDP())


def not_forwarded(scenario):
    udp = UDP(sport=1, dport=2) / body(11)
    for name, source, destination in (
        ("limited broadcast", v4("a"), "255.255.255.255"),
        ("directed broadcast", v4("a"), v4("b", 255)),
        ("multicast", v4("a"), "224.0.0.5"),
        ("class E", v4("a"), "240.0.0.1"),
        ("to loopback", v4("a"), "127.0.0.1"),
        ("to 0/8", v4("a"), "0.0.0.1"),
        ("from loopback", "127.0.0.1", v4("b")),
        ("from nobody", "0.0.0.0", v4("b")),
        ("from a group", "224.0.0.1", v4("b")),
        ("from broadcast", "255.255.255.255", v4("b")),
        ("from link-local", "169.254.1.1", v4("b")),
        ("to link-local", v4("a"), "169.254.1.1"),
        ("blackhole", v4("a"), "10.8.0.1"),
    ):
        scenario.send(name, to_router(IP(src=source, dst=destination) / udp), {})
    for name, source, destination in (
        ("v6 multicast", v6("a"), "ff02::1"),
        ("v6 to loopback", v6("a"), "::1"),
        ("v6 from loopback", "::1", v6("b")),
        ("v6 from nobody", "::", v6("b")),
        ("v6 from a group", "ff02::1", v6("b")),
        ("v6 from link-local", "fe80::1", v6("b")),
        ("v6 to link-local", v6("a"), "fe80::1"),
    ):
        scenario.send(name, to_router(IPv6(src=source, dst=destination) / udp), {})
    packet, packet6 = IP(src=v4("a"), dst=v4("b")) / udp, IPv6(src=v6("a"), dst=v6("b")) / udp
    for name, frame in (
        ("in a broadcast frame", to_router(packet, dst=BROADCAST)),
        ("in a group frame", to_router(packet, dst="01:00:5e:00:00:01")),
        ("v6 in a group frame", to_router(packet6, dst="33:33:00:00:00:01")),
        ("for another station", to_router(packet, dst="02:00:00:00:00:77")),
        ("tagged", to_router(Dot1Q(vlan=10) / packet)),
        ("priority-tagged", to_router(Dot1Q(vlan=0, prio=3) / packet)),
        ("v6 double tagged", to_router(Dot1Q(vlan=1) / Dot1Q(vlan=2) / packet6)),
        ("another type", to_router(Raw(bytes(46)), type=0x9000)),
    ):
        scenario.send(name, frame, {})


def broken(scenario):
    udp = UDP(sport=1, dport=2) / body(11)
    ends, ends6 = {"src": v4("a"), "dst": v4("b")}, {"src": v6("a"), "dst": v6("b")}
    for name, packet in (
        ("bad header checksum", IP(**ends, chksum=0x1234) / udp),
        ("header checksum of zero", IP(**ends, chksum=0) / udp),
        ("longer than its frame", IP(**ends, len=40) / udp),
        ("shorter than its header", IP(**ends, len=19) / udp),
        ("a header of 16 bytes", IP(**ends, ihl=4) / udp),
        ("options beyond the packet", IP(**ends, ihl=15) / udp),
        ("version 6 in IPv4", IP(**ends, version=6) / udp),
        ("half a header", Raw(raw(IP(**ends))[:19])),
    ):
        scenario.send(name, Ether(src=station("a"), dst=gateway("a"), type=0x0800) / Raw(raw(packet)), {})
    for name, packet in (
        ("v6 longer than its frame", IPv6(**ends6, plen=20) / udp),
        ("v6 version 4", IPv6(**ends6, version=4) / udp),
        ("v6 half a header", Raw(raw(IPv6(**ends6))[:39])),
    ):
        scenario.send(name, Ether(src=station("a"), dst=gateway("a"), type=0x86DD) / Raw(raw(packet)), {})


def errors(scenario):
    def report(name, frame, message=None, host="a"):
        scenario.send(name, frame, {host: [told(frame, host, message)]} if message else {}, True)

    udp = UDP(sport=1, dport=2) / body(600)
    for ttl in (0, 1):
        report(f"ttl {ttl}", to_router(IP(src=v4("a"), dst=v4("b"), ttl=ttl) / udp), ICMP(type=11))
        frame = to_router(IPv6(src=v6("a"), dst=v6("b"), hlim=ttl) / UDP() / body(1300))
        report(f"v6 hop limit {ttl}", frame, ICMPv6TimeExceeded())
        options = IP(src=v4("a"), dst=v4("b"), ttl=ttl, options=[IPOption_NOP()] * 8)
        report(f"ttl {ttl} with options", to_router(options / UDP() / body(3)), ICMP(type=11))
        extended = IPv6(src=v6("a"), dst=v6("b"), hlim=ttl) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
        report(f"v6 hop limit {ttl} with extensions", to_router(extended / UDP() / body(3)), ICMPv6TimeExceeded())
    report("no route", to_router(IP(src=v4("a"), dst="192.0.2.1") / udp), ICMP(type=3, code=0))
    report("v6 no route", to_router(IPv6(src=v6("a"), dst="2001:db8:ffff::1") / UDP()), ICMPv6DestUnreach(code=0))
    report("prohibited", to_router(IP(src=v4("a"), dst="10.9.1.1") / udp), ICMP(type=3, code=13))
    report("v6 prohibited", to_router(IPv6(src=v6("a"), dst="2001:db8:9::1") / UDP()), ICMPv6DestUnreach(code=1))
    first = IP(src=v4("a"), dst=v4("b"), ttl=1, flags="MF", proto=17) / Raw(raw(UDP(len=99, chksum=1) / body(16)))
    report("ttl 1 of a first fragment", to_router(first), ICMP(type=11))
    # Nothing is said about these: RFC 1812, section 4.3.2.7; RFC 4443, section 2.4.
    report("ttl 1 of a later fragment", to_router(IP(src=v4("a"), dst=v4("b"), ttl=1, frag=3) / Raw(bytes(24))))
    quoted = Raw(raw(IP(src=v4("b"), dst=v4("a")) / UDP()))
    for kind in (3, 5, 11, 12):
        report(f"ttl 1 of icmp {kind}", to_router(IP(src=v4("a"), dst=v4("b"), ttl=1) / ICMP(type=kind) / quoted))
    report("ttl 1 of an echo request", to_router(IP(src=v4("a"), dst=v4("b"), ttl=1) / ICMP() / body(9)), ICMP(type=11))
    quoted = Raw(raw(IPv6(src=v6("b"), dst=v6("a")) / UDP()))
    old = IPv6(src=v6("a"), dst=v6("b"), hlim=1)
    report("v6 hop limit 1 of an error", to_router(old / ICMPv6TimeExceeded() / quoted))
    report("v6 the same behind options", to_router(old / IPv6ExtHdrDestOpt() / ICMPv6DestUnreach() / quoted))
    report("v6 of a later fragment", to_router(old / IPv6ExtHdrFragment(nh=58, offset=9) / Raw(bytes(24))),
           ICMPv6TimeExceeded())
    report("v6 of an echo request", to_router(old / ICMPv6EchoRequest(data=b"abc")), ICMPv6TimeExceeded())


def sizes(scenario):
    """Towards c, whose network takes packets of 1400 bytes."""
    def fits(name, frame):
        scenario.send(name, frame, {"c": [routed(frame, "c")]})

    ends, ends6 = {"src": v4("a"), "dst": v4("c"), "id": 77}, {"src": v6("a"), "dst": v6("c")}
    fits("as large as the MTU", to_router(IP(**ends, flags="DF") / UDP() / body(SMALL - 28)))
    fits("v6 as large as the MTU", to_router(IPv6(**ends6) / UDP() / body(SMALL - 48)))
    frame = to_router(IP(**ends, flags="DF") / UDP() / body(SMALL - 27))
    scenario.send("one byte more", frame, {"a": [told(frame, "a", ICMP(type=3, code=4, nexthopmtu=SMALL))]}, True)
    frame = to_router(IPv6(**ends6) / UDP() / body(SMALL - 47))
    scenario.send("v6 one byte more", frame, {"a": [told(frame, "a", ICMPv6PacketTooBig(mtu=SMALL))]}, True)
    for length, options in ((SMALL - 27, []), (1901, []), (1700, [IPOption_Router_Alert()])):
        frame = to_router(IP(**ends, options=options) / UDP(sport=1, dport=2) / body(length))
        scenario.send(f"{length} bytes are cut", frame, {"c": cut(routed(frame, "c"))})
    part = to_router(IP(**ends, frag=5, flags="MF", proto=17) / body(1480))
    scenario.send("a fragment is cut", part, {"c": cut(routed(part, "c"))})
    large = to_router(IP(src=v4("a"), dst=v4("b")) / UDP() / body(2972))
    scenario.send("3000 bytes to b", large, {"b": [routed(large, "b")]})


def cut(frame):
    """RFC 791, section 3.2: as much as fits in units of eight bytes, and the rest."""
    whole = Ether(frame)
    header, payload = whole[IP].copy(), raw(whole[IP].payload)
    header.remove_payload()
    step = (SMALL - whole[IP].ihl * 4) // 8 * 8
    frames = []
    for at in range(0, len(payload), step):
        part = header.copy()
        part.frag = header.frag + at // 8
        if at + step < len(payload):
            part.flags = "MF"
        del part.len, part.chksum
        frames.append(raw(Ether(src=whole.src, dst=whole.dst) / part / Raw(payload[at:at + step])))
    return frames


def for_the_router(scenario):
    def answered(name, address, message, damaged=False, **fields):
        frame = Ether(raw(to_router(IP(src=v4("a"), dst=address, **fields) / message)))
        reply = frame.copy()
        reply.src, reply.dst = frame.dst, frame.src
        reply[IP].src, reply[IP].dst, reply[IP].ttl = frame[IP].dst, frame[IP].src, 64
        reply[ICMP].type = 0
        del reply[IP].chksum
        if damaged:
            reply[ICMP].chksum = (frame[ICMP].chksum + 0x0800) % 0xFFFF
        else:
            del reply[ICMP].chksum
        scenario.send(name, frame, {"a": [reply]}, damaged)

    for length in (0, 1, 2, 3, 56, 57, 1471, 2900):
        answered(f"echo of {length} bytes", v4("a", 1), ICMP(id=3, seq=4) / body(length))
    answered("echo of zeros", v4("a", 1), ICMP(id=0, seq=0))
    answered("echo to another address", v4("c", 1), ICMP(id=3, seq=4) / body(9))
    answered("echo with ttl 1", v4("b", 1), ICMP(id=3, seq=4) / body(9), ttl=1)
    answered("echo with options", v4("a", 1), ICMP(id=3, seq=4) / body(9), options=[IPOption_NOP()] * 8)
    answered("echo with a bad checksum", v4("a", 1), ICMP(id=3, seq=4, chksum=0x1111) / body(9), True)
    for length in (0, 1, 57, 1400):
        data = {"id": 3, "seq": 4, "data": raw(body(length))}
        frame = to_router(IPv6(src=v6("a"), dst=v6("a", 1), tc=8) / ICMPv6EchoRequest(**data))
        packet = IPv6(src=v6("a", 1), dst=v6("a"), hlim=64, tc=8) / ICMPv6EchoReply(**data)
        reply = Ether(src=gateway("a"), dst=station("a")) / packet
        scenario.send(f"v6 echo of {length} bytes", frame, {"a": [reply]})
    ends, ends6 = {"src": v4("a"), "dst": v4("a", 1)}, {"src": v6("a"), "dst": v6("a", 1)}
    for name, packet in (
        ("udp for the router", IP(**ends) / UDP()),
        ("an echo reply for the router", IP(**ends) / ICMP(type=0)),
        ("a fragment of an echo", IP(**ends, flags="MF") / ICMP() / body(16)),
        ("a later fragment of one", IP(**ends, frag=2, proto=1) / body(16)),
        ("v6 udp for the router", IPv6(**ends6) / UDP()),
        ("v6 fragment for the router", IPv6(**ends6) / IPv6ExtHdrFragment(nh=58, m=1) / body(16)),
    ):
        scenario.send(name, to_router(packet), {})


def discovery(scenario):
    asks = {"hwsrc": station("a"), "psrc": v4("a", 9)}
    link = {"src": station("a"), "dst": BROADCAST}
    answer = Ether(src=gateway("a"), dst=station("a")) / ARP(
        op=2, hwsrc=gateway("a"), psrc=v4("a", 1), hwdst=station("a"), pdst=v4("a", 9))
    scenario.send("arp request", Ether(**link) / ARP(**asks, pdst=v4("a", 1)), {"a": [answer]})
    padding = bytes(18)
    scenario.send("arp request with padding", raw(Ether(**link) / ARP(**asks, pdst=v4("a", 1))) + padding,
                  {"a": [raw(answer) + padding]})
    probe = Ether(**link) / ARP(hwsrc=station("a"), psrc="0.0.0.0", pdst=v4("a", 1))
    answer = Ether(src=gateway("a"), dst=station("a")) / ARP(
        op=2, hwsrc=gateway("a"), psrc=v4("a", 1), hwdst=station("a"), pdst="0.0.0.0")
    scenario.send("arp probe", probe, {"a": [answer]})
    scenario.send("arp for another", Ether(**link) / ARP(**asks, pdst=v4("a", 3)), {})
    scenario.send("arp for another network", Ether(**link) / ARP(**asks, pdst=v4("b", 1)), {})
    scenario.send("arp of another kind", Ether(**link) / ARP(**asks, pdst=v4("a", 1), hwtype=6), {})
    claim = ARP(hwsrc=station("a"), psrc=v4("a", 1), pdst=v4("a", 1))
    scenario.send("arp that claims the router's address", Ether(**link) / claim, {})

    group, own = "ff02::1:ff00:1", v6("a", 1)
    mac = "33:33:ff:00:00:01"
    asking = ICMPv6ND_NS(tgt=own) / ICMPv6NDOptSrcLLAddr(lladdr=station("a"))
    told_so = ICMPv6ND_NA(tgt=own, R=1, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=gateway("a"))
    answer = Ether(src=gateway("a"), dst=station("a")) / IPv6(src=own, dst=v6("a", 9), hlim=255) / told_so
    question = Ether(src=station("a"), dst=mac) / IPv6(src=v6("a", 9), dst=group, hlim=255) / asking
    scenario.send("neighbour solicitation", question, {"a": [answer]})
    # Who asks becomes known, and is asked in turn whether that holds.
    check = ICMPv6ND_NS(tgt=v6("a", 9)) / ICMPv6NDOptSrcLLAddr(lladdr=gateway("a"))
    scenario.allow("a", Ether(src=gateway("a"), dst=station("a")) / IPv6(src=own, dst=v6("a", 9), hlim=255) / check)
    direct = Ether(src=station("a"), dst=gateway("a")) / IPv6(src=v6("a", 9), dst=own, hlim=255) / asking
    scenario.send("neighbour solicitation to its station", direct, {"a": [answer]})
    free = ICMPv6ND_NA(tgt=own, R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=gateway("a"))
    everybody = Ether(src=gateway("a"), dst="33:33:00:00:00:01") / IPv6(src=own, dst="ff02::1", hlim=255) / free
    probe = Ether(src=station("a"), dst=mac) / IPv6(src="::", dst=group, hlim=255) / ICMPv6ND_NS(tgt=own)
    scenario.send("duplicate address detection", probe, {"a": [everybody]})
    for name, hops, message in (
        ("solicitation from afar", 64, asking),
        ("solicitation with a bad checksum", 255, ICMPv6ND_NS(tgt=own, cksum=0x1111)),
        ("solicitation for another", 255, ICMPv6ND_NS(tgt=v6("a", 3))),
        ("solicitation of a group", 255, ICMPv6ND_NS(tgt="ff02::1")),
        ("solicitation with a code", 255, ICMPv6ND_NS(tgt=own, code=1)),
    ):
        packet = IPv6(src=v6("a", 9), dst=group, hlim=hops) / message
        scenario.send(name, Ether(src=station("a"), dst=mac) / packet, {})


def neighbours_by_asking(scenario):
    """Packets wait for neighbours that nobody told of, and those that asked before are known."""
    heard = to_router(IP(src=v4("a"), dst=v4("b", 7)) / UDP() / body(5))
    waits = to_router(IP(src=v4("a"), dst=v4("b", 8)) / UDP() / body(6))
    waits6 = to_router(IPv6(src=v6("a"), dst=v6("b", 8)) / UDP() / body(7))
    seven, eight = "02:00:00:00:0c:77", "02:00:00:00:0c:88"
    scenario.phase("b")
    asked = Ether(src=seven, dst=BROADCAST) / ARP(hwsrc=seven, psrc=v4("b", 7), pdst=v4("b", 1))
    answer = Ether(src=gateway("b"), dst=seven) / ARP(
        op=2, hwsrc=gateway("b"), psrc=v4("b", 1), hwdst=seven, pdst=v4("b", 7))
    scenario.send("somebody asks", asked, {"b": [answer]})
    scenario.phase("a")
    scenario.send("to one who asked", heard, {"b": [routed(heard, "b", seven)]})
    question = Ether(src=gateway("b"), dst=BROADCAST) / ARP(hwsrc=gateway("b"), psrc=v4("b", 1), pdst=v4("b", 8))
    scenario.send("to a stranger", waits, {"b": [question]})
    solicitation = ICMPv6ND_NS(tgt=v6("b", 8)) / ICMPv6NDOptSrcLLAddr(lladdr=gateway("b"))
    packet = IPv6(src=v6("b", 1), dst="ff02::1:ff00:8", hlim=255) / solicitation
    scenario.send("v6 to a stranger", waits6, {"b": [Ether(src=gateway("b"), dst="33:33:ff:00:00:08") / packet]})
    scenario.phase("b")
    reply = Ether(src=eight, dst=gateway("b")) / ARP(
        op=2, hwsrc=eight, psrc=v4("b", 8), hwdst=gateway("b"), pdst=v4("b", 1))
    scenario.send("the stranger answers", reply, {"b": [routed(waits, "b", eight)]})
    advertisement = ICMPv6ND_NA(tgt=v6("b", 8), R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=eight)
    packet = IPv6(src=v6("b", 8), dst=v6("b", 1), hlim=255) / advertisement
    scenario.send("v6 the stranger answers", Ether(src=eight, dst=gateway("b")) / packet,
                  {"b": [routed(waits6, "b", eight)]})
