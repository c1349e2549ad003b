"""Frames for a switch with two access ports of VLAN 10 (a, b), a trunk (t), and a trunk with native VLAN 20 (n)."""
from scapy.all import ARP, IP, UDP, Dot1AD, Dot1Q, Ether, Raw, raw

from packets import body, ipv4, ipv6
from scenario import Scenario

A, B, T, N = (f"02:00:00:00:0a:0{number}" for number in range(1, 5))
BROADCAST = "ff:ff:ff:ff:ff:ff"


def tagged(frame, vlan, priority=0, eligible=0):
    """The frame with a tag behind its addresses."""
    return frame[:12] + bytes([0x81, 0, priority << 5 | eligible << 4 | vlan >> 8, vlan & 0xFF]) + frame[12:]


def flooded(frame, *hosts, priority=0):
    """What leaves of an untagged frame of VLAN 10."""
    as_member = {"a": frame, "b": frame, "t": tagged(frame, 10, priority), "n": tagged(frame, 10, priority)}
    return {host: [as_member[host]] for host in hosts}


def make(hook):
    trunk = {"mode": "trunk", "allowed": "10,20"}
    ports = {"a": {"vlan": 10}, "b": {"vlan": 10}, "t": trunk, "n": {**trunk, "native": 20}}
    links = [f"dev:{host} -> sw.{host}" for host in ports]
    graph = {"functions": {"sw": {"kind": "switch", "ports": ports}}, "links": links}
    scenario = Scenario(graph, list(ports), 9000 if hook == "tcx" else 3000)
    between_stations(scenario, hook)
    tags_at_access_ports(scenario)
    groups(scenario)
    trunks(scenario)
    several_tags(scenario)
    return scenario


def hello(source):
    return raw(Ether(src=source, dst=BROADCAST) / ARP(op=1, hwsrc=source, psrc="0.0.0.0", pdst="10.0.0.9"))


def between_stations(scenario, hook):
    """The switch does not look into packets: whatever they are, they arrive as they were sent."""
    scenario.phase("b")
    scenario.send("b says hello", hello(B), flooded(hello(B), "a", "t", "n"))
    scenario.phase("a")
    for family, all_of in ((ipv4, ("10.0.0.1", "10.0.0.2")), (ipv6, ("2001:db8::1", "2001:db8::2"))):
        for name, packet, damaged in family(*all_of):
            frame = raw(Ether(src=A, dst=B) / packet)
            scenario.send(name, frame, {"b": [frame]}, damaged)
    shortest = 14 if hook == "xdp" else 15  # the kernel redirects no skb without anything behind its link header
    for length in (shortest, 15, 17, 18, 59, 60, 61, 1514, scenario.mtu + 14):
        frame = raw(Ether(src=A, dst=B, type=0x9000))[:14] + raw(body(length))[14:]
        scenario.send(f"{length} bytes", frame, {"b": [frame]})
    lengths = raw(Ether(src=A, dst=B, type=46)) + bytes(46)
    scenario.send("a length in place of a type", lengths, {"b": [lengths]})
    scenario.send("to the port that it came in on", Ether(src=A, dst=A) / IP() / UDP(), {})


def tags_at_access_ports(scenario):
    frame = raw(Ether(src=A, dst=B) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / body(31))
    for priority in (0, 5, 7):
        scenario.send(f"priority tag {priority}", tagged(frame, 0, priority), {"b": [frame]})
    scenario.send("tag of its VLAN", tagged(frame, 10, 3, 1), {"b": [frame]})
    for vlan in (1, 11, 20, 4094, 4095):
        scenario.send(f"tag of VLAN {vlan}", tagged(frame, vlan), {})
    scenario.send("two tags", tagged(tagged(frame, 20), 10), {})
    scenario.send("priority tag before a tag", tagged(tagged(frame, 20), 0, 5), {})
    scenario.send("a service tag behind a tag", tagged(service_tagged(A, B, 7), 10), {})
    for vlan in (0, 7, 10, 20, 4095):
        whole = service_tagged(A, B, vlan, prio=3)
        scenario.send(f"service tag {vlan} is payload", whole, {"b": [whole]})
    for name, inner in (
        ("customer", Dot1Q(vlan=20)),
        ("service", Dot1AD(vlan=9)),
        ("two", Dot1Q(vlan=1) / Dot1Q(vlan=2)),
    ):
        whole = service_tagged(A, B, 7, behind=inner)
        scenario.send(f"service tag before {name}", whole, {"b": [whole]})
    cut = service_tagged(A, B, 7)[:16] + bytes(4)
    scenario.send("hardly anything behind a service tag", cut, {"b": [cut]})
    unknown = service_tagged(A, BROADCAST, 7, behind=Dot1Q(vlan=20))
    scenario.send("service tag to all", unknown, flooded(unknown, "b", "t", "n"))
    scenario.send("priority and service tag to all", tagged(service_tagged(A, BROADCAST, 7), 0, 5), {})


def service_tagged(source, destination, vlan, prio=0, behind=None):
    payload = IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / body(31)
    tag = Dot1AD(vlan=vlan, prio=prio)
    return raw(Ether(src=source, dst=destination) / (tag / behind if behind else tag) / payload)


def several_tags(scenario):
    """The outermost tag decides, what is behind it is payload; it comes off and goes on in front of that."""
    scenario.phase("t")
    payload = IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / body(31)
    for name, behind in (
        ("a customer tag", Dot1Q(vlan=77, prio=2)),
        ("a tag of another VLAN of the port", Dot1Q(vlan=20)),
        ("a service tag", Dot1AD(vlan=77)),
        ("two customer tags", Dot1Q(vlan=77) / Dot1Q(vlan=78)),
        ("a service and a customer tag", Dot1AD(vlan=77) / Dot1Q(vlan=78)),
        ("four tags", Dot1Q(vlan=1) / Dot1AD(vlan=2) / Dot1Q(vlan=3) / Dot1AD(vlan=4)),
    ):
        inside = raw(Ether(src=T, dst=A) / behind / payload)
        scenario.send(f"{name} behind VLAN 10", tagged(inside, 10, 4), {"a": [inside]})
        inside = raw(Ether(src=T, dst=N) / behind / payload)
        scenario.send(f"{name} behind VLAN 10 to a trunk", tagged(inside, 10, 4), {"n": [tagged(inside, 10, 4)]})
        scenario.send(f"{name} behind VLAN 20 to a native one", tagged(inside, 20, 4), {"n": [inside]})
        scenario.send(f"{name} behind VLAN 30", tagged(inside, 30), {})
        inside = raw(Ether(src=T, dst=BROADCAST) / behind / payload)
        everywhere = {"a": [inside], "b": [inside], "n": [tagged(inside, 10, 3)]}
        scenario.send(f"{name} behind VLAN 10 to all", tagged(inside, 10, 3), everywhere)
    scenario.send("service tag without a native VLAN", service_tagged(T, BROADCAST, 10), {})
    scenario.phase("n")
    scenario.send("n is in VLAN 10, too", tagged(hello(N), 10), flooded(hello(N), "a", "b", "t"))
    whole = service_tagged(N, T, 10)
    scenario.send("service tag of the native VLAN", whole, {"t": [tagged(whole, 20)]})
    nested = raw(Ether(src=N, dst=T) / Dot1Q(vlan=30) / payload)
    scenario.send("priority tag before a tag, of the native VLAN", tagged(nested, 0, 3), {"t": [tagged(nested, 20, 3)]})


def groups(scenario):
    for name, destination in (
        ("broadcast", BROADCAST),
        ("ipv4 multicast", "01:00:5e:00:00:fb"),
        ("ipv6 multicast", "33:33:00:00:00:01"),
        ("behind the reserved addresses", "01:80:c2:00:00:10"),
        ("an unknown station", "02:00:00:00:0a:77"),
    ):
        frame = raw(Ether(src=A, dst=destination) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / body(13))
        scenario.send(name, frame, flooded(frame, "b", "t", "n"))
        scenario.send(f"{name}, priority 6", tagged(frame, 0, 6), flooded(frame, "b", "t", "n", priority=6))
    for last in (0x00, 0x01, 0x02, 0x03, 0x0E, 0x0F):
        scenario.send(f"reserved address {last}", Ether(src=A, dst=f"01:80:c2:00:00:{last:02x}") / Raw(bytes(46)), {})
    for source in ("00:00:00:00:00:00", BROADCAST, "01:00:5e:00:00:01"):
        scenario.send(f"from {source}", Ether(src=source, dst=B) / IP() / UDP(), {})


def trunks(scenario):
    def frame(source, destination, length=29):
        return raw(Ether(src=source, dst=destination) / IP(src="10.0.0.3", dst="10.0.0.4") / UDP() / body(length))

    scenario.phase("t")
    scenario.send("VLAN 10 to a", tagged(frame(T, A), 10, 4), {"a": [frame(T, A)]})
    everybody = frame(T, BROADCAST)
    arrives = {"a": [everybody], "b": [everybody], "n": [tagged(everybody, 10, 4, 1)]}
    scenario.send("VLAN 10 to all", tagged(everybody, 10, 4, 1), arrives)
    scenario.send("VLAN 20 to all", tagged(everybody, 20, 2), {"n": [everybody]})
    scenario.send("VLAN 30", tagged(everybody, 30), {})
    scenario.send("untagged without a native VLAN", everybody, {})
    scenario.send("priority tag without a native VLAN", tagged(everybody, 0, 7), {})
    scenario.send("a is unknown in VLAN 20", tagged(frame(T, A), 20), {"n": [frame(T, A)]})
    scenario.phase("n")
    scenario.send("untagged is VLAN 20", frame(N, T), {"t": [tagged(frame(N, T), 20)]})
    scenario.send("tag of the native VLAN", tagged(frame(N, T), 20, 1), {"t": [tagged(frame(N, T), 20, 1)]})
    scenario.send("priority tag", tagged(frame(N, T), 0, 3), {"t": [tagged(frame(N, T), 20, 3)]})
    scenario.send("VLAN 10 between trunks", tagged(frame(N, T), 10, 6, 1), {"t": [tagged(frame(N, T), 10, 6, 1)]})
    scenario.phase("a")
    for length in (1, 2, 1023):
        sent = frame(A, T, length)
        scenario.send(f"out of a trunk, {length} bytes", sent, {"t": [tagged(sent, 10)]})
