"""Frames for an access list between a (inside) and b (outside): what passes arrives as it was sent."""
from scapy.all import (
    ARP, ICMP, IP, LLC, SCTP, STP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NS, IPv6,
    IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, raw,
)

from packets import body, ipv4, ipv6
from scenario import Scenario

A, B = "02:00:00:00:0b:01", "02:00:00:00:0b:02"
V4, V6 = ("10.1.0.1", "10.2.0.2"), ("2001:db8:1::1", "2001:db8:2::2")

RULES = [
    {"action": "count", "protocol": "udp"},
    {"action": "accept", "port": "inside", "protocol": "icmp", "icmpType": 8},
    {"action": "accept", "protocol": "icmpv6", "icmpType": 128},
    {"action": "drop", "vlan": 20},
    {"action": "accept", "destination": "10.2.0.0/16", "destinationPort": "4001-4010", "fragments": "none"},
    {"action": "accept", "destination": "2001:db8:2::/48", "destinationPort": 4001},
    {"action": "accept", "tcpFlags": {"mask": 18, "value": 2}, "destinationPort": 80},
    {"action": "accept", "protocol": "sctp", "destinationPort": 5000},
    {"action": "accept", "fragments": "later", "destination": "2001:db8:2::/48"},
    {"action": "accept", "vlan": 30, "etherType": 0x9000},
]


def make(hook):

    functions = {"fw": {"kind": "acl", "config": {"rules": RULES}}}
    graph = {"functions": functions, "links": ["dev:a -> fw.inside", "fw.outside -> dev:b"]}
    scenario = Scenario(graph, ["a", "b"], 9000 if hook == "tcx" else 3000)
    scenario.phase("a")
    for name, packet, damaged in ipv4(*V4):
        send(scenario, name, packet, passes4(packet), damaged)
    for name, packet, damaged in ipv6(*V6):
        send(scenario, name, packet, passes6(packet), damaged)
    tags(scenario)
    headers(scenario)
    others(scenario)
    scenario.phase("b")
    reply = Ether(src=B, dst=A) / IP(src=V4[1], dst=V4[0]) / ICMP(type=8) / body(8)
    scenario.send("the rule is for inside", reply, {})
    scenario.send("to another network", Ether(src=B, dst=A) / IP(src=V4[1], dst=V4[0]) / UDP(dport=4001), {})
    syn = raw(Ether(src=B, dst=A) / IP(src=V4[1], dst=V4[0]) / TCP(dport=80, flags="S"))
    scenario.send("a SYN from outside", syn, {"a": [syn]})
    return scenario


def send(scenario, name, packet, passes, damaged=False):
    frame = raw(Ether(src=A, dst=B) / packet)
    scenario.send(name, frame, {"b": [frame]} if passes else {}, damaged)


def passes4(packet):
    """The rules in scapy's terms."""
    if packet.frag or packet.flags.MF:
        return False
    if ICMP in packet and packet[ICMP].type == 8:
        return True
    if isinstance(packet.payload, UDP):
        return 4001 <= packet[UDP].dport <= 4010
    if isinstance(packet.payload, TCP):
        return packet[TCP].flags & 0x12 == 2 and packet[TCP].dport == 80
    return isinstance(packet.payload, SCTP)


def passes6(packet):
    if IPv6ExtHdrFragment in packet:
        fragment = packet[IPv6ExtHdrFragment]
        if fragment.offset:
            return True
        return len(raw(fragment.payload)) >= 8
    if isinstance(packet.payload, (ICMPv6EchoRequest, SCTP)):
        return True
    if isinstance(packet.payload, TCP):
        return packet[TCP].flags & 0x12 == 2
    return UDP in packet and packet[UDP].dport == 4001 and packet.nh != 58


def tags(scenario):
    packet = IP(src=V4[0], dst=V4[1]) / UDP(sport=1, dport=4005) / body(17)
    for name, link, passes in (
        ("priority tag", Dot1Q(vlan=0, prio=5), True),
        ("VLAN 10", Dot1Q(vlan=10, prio=3), True),
        ("VLAN 20", Dot1Q(vlan=20), False),
        ("VLAN 10 before 20", Dot1Q(vlan=10) / Dot1Q(vlan=20), True),
        ("VLAN 20 before 10", Dot1Q(vlan=20) / Dot1Q(vlan=10), False),
        ("service tag 10 before 20", Dot1AD(vlan=10) / Dot1Q(vlan=20), True),
        ("service tag 20", Dot1AD(vlan=20) / Dot1Q(vlan=10), False),
        ("VLAN 10 before service tag 20", Dot1Q(vlan=10) / Dot1AD(vlan=20), True),
        ("VLAN 20 before service tag 10", Dot1Q(vlan=20) / Dot1AD(vlan=10), False),
        ("two service tags", Dot1AD(vlan=10) / Dot1AD(vlan=20), True),
        ("three service tags", Dot1AD(vlan=10) / Dot1AD(vlan=11) / Dot1AD(vlan=12), False),
        ("a service tag behind two", Dot1Q(vlan=10) / Dot1Q(vlan=11) / Dot1AD(vlan=12), False),
        ("two tags behind a service tag", Dot1AD(vlan=10) / Dot1Q(vlan=11) / Dot1Q(vlan=12), False),
        ("three tags", Dot1Q(vlan=10) / Dot1Q(vlan=11) / Dot1Q(vlan=12), False),
    ):
        send(scenario, name, link / packet, passes)
    loop = Raw(bytes(46))
    for vlan in (30, 31):
        send(scenario, f"another type in VLAN {vlan}", Dot1Q(vlan=vlan, type=0x9000) / loop, vlan == 30)


def headers(scenario):
    """What says other than it is: nothing of it passes, whatever the rules say of ports."""
    udp = UDP(sport=1, dport=4005) / body(17)
    ends = {"src": V4[0], "dst": V4[1]}
    for name, packet in (
        ("longer than its frame", IP(**ends, len=60) / udp),
        ("shorter than its header", IP(**ends, len=19) / udp),
        ("a header of 16 bytes", IP(**ends, ihl=4) / udp),
        ("a header longer than the packet", IP(**ends, ihl=15) / udp),
        ("version 5", IP(**ends, version=5) / udp),
        ("half of a UDP header", IP(**ends, proto=17) / Raw(raw(udp)[:7])),
        ("half of a TCP header", IP(**ends, proto=6) / Raw(raw(TCP(dport=80, flags="S"))[:19])),
    ):
        scenario.send(name, raw(Ether(src=A, dst=B, type=0x0800) / Raw(raw(packet))), {})
    deep = IPv6(src=V6[0], dst=V6[1])
    for _ in range(9):
        deep = deep / IPv6ExtHdrDestOpt()
    send(scenario, "nine extension headers", deep / UDP(dport=4001), False)
    ends = IPv6(src=V6[0], dst=V6[1])
    routing = IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(addresses=["2001:db8:9::9"] * 3, segleft=0)
    send(scenario, "a long routing header", ends / routing / TCP(dport=80, flags="S"), True)
    send(scenario, "a wrong port behind one", ends / routing / TCP(dport=81, flags="S"), False)
    cut = raw(Ether(src=A, dst=B) / ends / routing / TCP(dport=80, flags="S"))
    scenario.send("ends within an extension header", cut[:14 + 40 + 20], {})


def others(scenario):
    send(scenario, "arp", ARP(op=1, hwsrc=A, psrc=V4[0], pdst=V4[1]), True)
    send(scenario, "neighbour solicitation", IPv6(src=V6[0], dst=V6[1]) / ICMPv6ND_NS(tgt=V6[1]), False)
    bridge = raw(Ether(src=A, dst="01:80:c2:00:00:00", type=38) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP())
    scenario.send("spanning tree", bridge, {})
    send(scenario, "another type", Raw(b""), False)
    length = scenario.mtu - 28
    send(scenario, "as large as the MTU", IP(src=V4[0], dst=V4[1]) / UDP(dport=4001) / body(length), True)
    padded = raw(Ether(src=A, dst=B) / IP(src=V4[0], dst=V4[1]) / UDP(dport=4001)) + bytes(18)
    scenario.send("padding behind the packet", padded, {"b": [padded]}, True)
