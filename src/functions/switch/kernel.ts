/** A learning Ethernet switch with VLANs: IEEE 802.1Q, clause 8. README.md beside this file says what it does. */
import {
  be16,
  bytes,
  drop,
  dropReasons,
  dynamicPorts,
  flood,
  forward,
  onPacket,
  struct,
  time,
  type u16,
  type u32,
  type Verdict,
} from "iovisor/kernel";
import { EtherType, Vlan } from "iovisor/kernel/headers";
import { Address, keyOf, learn, type Party, partyOf, portOfStation } from "./kernel/stations.ts";
import { isWithinRate } from "./kernel/storm.ts";
import {
  type Admitted,
  groups,
  maximumPorts,
  type Port,
  portTable,
  settings,
  statics,
  Traffic,
} from "./kernel/tables.ts";

export const ports = dynamicPorts({ maximum: maximumPorts });

export const reasons = dropReasons({
  tooShort: "the frame ends within its Ethernet header or its tag",
  noPort: "the port has no configuration",
  badSource: "the source address is a group address or zero",
  badVlan: "the tag names VLAN 4095, which is reserved",
  nestedTag: "there is a second tag behind the first, on an access port",
  untagged: "the port takes tagged frames only",
  ingressVlan: "the port is not a member of the frame's VLAN",
  egressVlan: "the port of the destination is not a member of the frame's VLAN",
  linkLocal: "frames to 01:80:c2:00:00:00 to 0f are for the next device and not forwarded",
  samePort: "the destination is on the port that the frame came in on",
  blackhole: "a static entry says so",
  stormBroadcast: "more broadcasts than the port may send",
  stormMulticast: "more multicasts than the port may send",
  stormUnknown: "more frames to unknown stations than the port may send",
  noRoom: "there was no room for the tag",
});

const Frame = struct({ destination: Address, source: Address, type: be16 });

function isMember(port: Port, vlan: number): boolean {
  return ((port.members[(vlan & 0xfff) >>> 3] >>> (vlan & 7)) & 1) === 1;
}

function isTagType(type: u16): boolean {
  return type === EtherType.vlan || type === EtherType.serviceVlan;
}

/** Tag control information of the frame in its VLAN. Priority and drop eligibility stay. */
function tagControl({ control, vlan }: Admitted): number {
  return (control & 0xf000) | (vlan & 0xfff);
}

/** The number of a port. */
function numberOf(identity: u32): number {
  return identity & (maximumPorts - 1);
}

function floodVlan(admitted: Admitted): Verdict {
  const { packet, vlan, tagged } = admitted;
  const group = groups.ref(vlan);
  if (!group) return drop(reasons.badVlan);
  const number = group.value & 0xfff;
  if (tagged && !packet.popVlan()) return drop(reasons.noRoom);
  return flood(number, tagControl(admitted));
}

/** Sends a frame out of the one port where its destination is, with or without a tag as that port wants it. */
function sendTo(to: Port, admitted: Admitted): Verdict {
  const { packet, port, vlan, tagged, control } = admitted;
  if (to.identity === port.identity) return drop(reasons.samePort);
  const out = numberOf(to.identity);
  if (vlan === to.untagged) {
    if (tagged && !packet.popVlan()) return drop(reasons.noRoom);
    return forward(out);
  }
  if (!isMember(to, vlan)) return drop(reasons.egressVlan);
  if (tagged && (control & 0xfff) === vlan) return forward(out);
  if (tagged && !packet.popVlan()) return drop(reasons.noRoom);
  if (!packet.pushVlan(tagControl(admitted))) return drop(reasons.noRoom);
  return forward(out);
}

function handleUnicast(destination: Party, admitted: Admitted): Verdict {
  const fixed = settings.statics ? statics.ref(keyOf(destination)) : undefined;
  if (fixed) {
    const to = portTable.ref(numberOf(fixed.value));
    return fixed.value === 0 || !to ? drop(reasons.blackhole) : sendTo(to, admitted);
  }
  const identity = settings.ageing > 0 ? portOfStation(destination, admitted.now) : 0;
  const to = identity !== 0 ? portTable.ref(numberOf(identity)) : undefined;
  if (to && to.identity === identity) return sendTo(to, admitted);
  return isWithinRate(admitted, Traffic.unknown) ? floodVlan(admitted) : drop(reasons.stormUnknown);
}

function handleGroup(high: u32, low: u16, admitted: Admitted): Verdict {
  if (high === 0xffff_ffff && low === 0xffff) {
    return isWithinRate(admitted, Traffic.broadcast) ? floodVlan(admitted) : drop(reasons.stormBroadcast);
  }
  const reserved = high === 0x0180_c200 && low < 16;
  if (reserved && ((settings.linkLocalMask >>> (low & 15)) & 1) === 0) return drop(reasons.linkLocal);
  return isWithinRate(admitted, Traffic.multicast) ? floodVlan(admitted) : drop(reasons.stormMulticast);
}

function isGroup(address: Address): boolean {
  return ((address.high >>> 24) & 1) === 1;
}

export default onPacket((packet) => {
  const port = portTable.ref(packet.port);
  if (!port || port.identity === 0) return drop(reasons.noPort);
  const frame = packet.at(0, Frame);
  if (!frame) return drop(reasons.tooShort);
  // A service tag is a type like any other to a bridge of customers: IEEE 802.1Q, clauses 5.9 and 6.9.
  const tagged = (packet.vlanProtocol ?? frame.type) === EtherType.vlan;
  let control: u16 = 0;
  let inner: u16 = frame.type;
  if (tagged) {
    const beside = packet.vlanTag;
    if (beside !== undefined) {
      control = beside;
    } else {
      const tag = packet.at(Frame.size, Vlan);
      if (!tag) return drop(reasons.tooShort);
      control = tag.control;
      inner = tag.type;
    }
    if (port.access !== 0 && isTagType(inner)) return drop(reasons.nestedTag);
  }
  let vlan = control & 0xfff;
  if (vlan === 0) vlan = port.untagged & 0xfff;
  if (vlan === 0) return drop(reasons.untagged);
  if (vlan === 0xfff) return drop(reasons.badVlan);
  if (vlan !== port.untagged && !isMember(port, vlan)) return drop(reasons.ingressVlan);
  const { high, low } = frame.destination;
  const toGroup = isGroup(frame.destination);
  if (isGroup(frame.source) || (frame.source.high === 0 && frame.source.low === 0)) return drop(reasons.badSource);
  const [from, to] = [packet.at(Address.size, bytes(6)), packet.at(0, bytes(6))];
  if (!from || !to) return drop(reasons.tooShort);
  const source = partyOf(from, frame.source, vlan);
  const destination = partyOf(to, frame.destination, vlan);
  const admitted = { packet, port, vlan, tagged, control, now: time.jiffies() };
  const fixed = settings.statics ? statics.ref(keyOf(source)) : undefined;
  if (fixed?.value === 0) return drop(reasons.blackhole);
  if (settings.ageing > 0 && !fixed) learn(source, admitted);
  return toGroup ? handleGroup(high, low, admitted) : handleUnicast(destination, admitted);
});
