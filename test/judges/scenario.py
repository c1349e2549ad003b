"""What is sent on which host, and what must arrive where. The frames come back as captures, which scapy dissects."""
import json
import os
from collections import Counter

from scapy.all import (
    ICMP, IP, TCP, UDP, Ether, IPv6, IPv6ExtHdrFragment, Raw, raw, rdpcap, wrpcap,
)
from scapy.layers.inet6 import _ICMPv6


class Scenario:
    """A graph, the hosts around it, and frames in phases: each phase is sent by one host with tcpreplay."""

    def __init__(self, graph, devices, mtu=1500):
        self.graph, self.devices, self.mtu, self.phases = graph, devices, mtu, []
        self.allowed = []

    def phase(self, host):
        self.phases.append({"host": host, "cases": []})

    def send(self, name, frame, arrives=None, damaged=False):
        """`arrives`: frames by host, each bytes or a packet; nothing arrives elsewhere."""
        sent = raw(frame)
        wanted = {host: [raw(one) for one in frames] for host, frames in (arrives or {}).items()}
        self.phases[-1]["cases"].append({"name": name, "frame": sent, "arrives": wanted, "damaged": damaged})

    def allow(self, host, frame):
        """It may arrive, any number of times: what comes by a clock and not by what was sent."""
        self.allowed.append([host, raw(frame).hex()])

    def write(self, folder):
        phases = []
        for number, phase in enumerate(self.phases):
            file = os.path.join(folder, f"send-{number}.pcap")
            wrpcap(file, [Ether(case["frame"]) for case in phase["cases"]], linktype=1)
            sent = [raw(one) for one in rdpcap(file)]
            assert sent == [case["frame"] for case in phase["cases"]], f"phase {number} is not written as it was made"
            phases.append({"host": phase["host"], "file": file, "frames": len(sent)})
        wanted = [
            {
                "name": case["name"],
                "damaged": case["damaged"],
                "arrives": {host: [one.hex() for one in frames] for host, frames in case["arrives"].items()},
            }
            for phase in self.phases
            for case in phase["cases"]
        ]
        with open(os.path.join(folder, "wanted.json"), "w", encoding="utf8") as file:
            json.dump({"cases": wanted, "allowed": self.allowed}, file)
        return {"graph": self.graph, "devices": self.devices, "mtu": self.mtu, "phases": phases, "cases": len(wanted)}


def judge(folder, hosts):
    """What is missing, what should not be there, and whose checksums are wrong."""
    with open(os.path.join(folder, "wanted.json"), encoding="utf8") as file:
        expected = json.load(file)
    cases, allowed = expected["cases"], expected["allowed"]
    faults, verified = [], 0
    for host in hosts:
        frames = [raw(one) for one in rdpcap(os.path.join(folder, f"{host}.pcap"))]
        wanted = Counter()
        names, damaged = {}, set()
        for case in cases:
            for text in case["arrives"].get(host, []):
                frame = bytes.fromhex(text)
                wanted[frame] += 1
                names.setdefault(frame, case["name"])
                if case["damaged"]:
                    damaged.add(frame)
        got = Counter(frames)
        for frame, count in (wanted - got).items():
            faults.append(f"{host}: {count} missing: {names[frame]}: {describe(frame)}")
        for frame, count in (got - wanted).items():
            if [host, frame.hex()] not in allowed:
                faults.append(f"{host}: {count} unexpected: {describe(frame)}")
        whole = [frame for frame in frames if frame not in damaged]
        for frame in whole:
            verified += 1
            wrong = checksum_fault(frame)
            if wrong:
                faults.append(f"{host}: {wrong}: {names.get(frame, 'unexpected')}: {describe(frame)}")
    return {"faults": faults, "verified": verified}


def describe(frame):
    return f"{Ether(frame).summary()} {frame.hex()}"


def checksum_fault(frame):
    """scapy makes the packet again without its checksums, which must give the same bytes."""
    packet = Ether(frame)
    for layer in list(layers(packet)):
        if isinstance(layer, IP):
            header = raw(IP(raw(layer)[: layer.ihl * 4]).copy())
            again = IP(header)
            del again.chksum
            if raw(again)[10:12] != header[10:12]:
                return f"the IP header's checksum is {header[10:12].hex()}, not {raw(again)[10:12].hex()}"
            if layer.frag or layer.flags.MF:
                return None
        if isinstance(layer, IPv6ExtHdrFragment) and (layer.offset or layer.m):
            return None
    changed = packet.copy()
    for layer in list(layers(changed)):
        for field, kind in (("chksum", (TCP, UDP, ICMP)), ("cksum", (_ICMPv6,))):
            if isinstance(layer, kind) and hasattr(layer, field) and not is_quoted(changed, layer):
                delattr(layer, field)
    again = raw(changed)
    return None if again == frame else f"a checksum is wrong, scapy makes {again.hex()}"


def layers(packet):
    while packet and not isinstance(packet, Raw):
        yield packet
        packet = packet.payload


def is_quoted(packet, layer):
    """Behind an ICMP header there is another packet, of which there need not be all."""
    for one in layers(packet):
        if one is layer:
            return False
        if isinstance(one, (ICMP, _ICMPv6)):
            return True
    return True
