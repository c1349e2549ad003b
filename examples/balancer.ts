/**
 * A small stateless load balancer for one TCP or UDP service.
 *
 * Packets to `address` and `port` go to one of up to 16 backends. Which one follows from the 5-tuple alone, by
 * rendezvous hashing (Thaler and Ravishankar, 1998): each backend gets a weight from the flow and its own address, and
 * the largest wins. So nothing is kept per flow, several balancers agree, and a backend that comes or goes moves only
 * the flows that it gains or loses. The destination addresses (IP and MAC) are rewritten, and the packet leaves by the
 * backend's device. Replies come back through the same machine, get the service's address as their source, and are
 * routed by the kernel: attach this to the backends' devices too.
 *
 * The host writes the backends into `pool` while it runs; balancer.host.ts does:
 *
 *     ./iovisor run examples/balancer.ts --attach tcx-ingress:wan --attach tcx-ingress:lan --set address=192.0.2.80
 *
 * Checksums are updated by `packet.replaceChecksum`, which is right for large packets whose checksums and segments the
 * device will make (TCX), too. At XDP frames must be complete: on veth pairs, switch `tx` off at the other end
 * (ethtool -K eth0 tx off). Fragments to the service are left to the kernel.
 */
import {
  array,
  arrayMap,
  atomicAdd,
  be32,
  bytes,
  config,
  Drop,
  ipv4,
  offsetOf,
  oneOf,
  onPacket,
  type Packet,
  Pass,
  type Ref,
  range,
  redirect,
  struct,
  type TypeOf,
  u16,
  u32,
  u64,
  type Verdict,
} from "iovisor/kernel";
import {
  Ethernet,
  EtherType,
  IpProtocol,
  Ipv4,
  Ipv4Fragment,
  ipv4HeaderLength,
  Ports,
  Tcp,
  Udp,
} from "iovisor/kernel/headers";

const mostBackends = 16;
/** More fragments follow, or this is not the first. */
const fragmented = Ipv4Fragment.moreFragments | Ipv4Fragment.offsetMask;

export const Backend = struct({
  address: be32,
  /** Where it is reached: the device, its MAC address and ours there. */
  ifindex: u32,
  mac: bytes(6),
  source: bytes(6),
  packets: u64,
});
export const Pool = struct({ size: u32, backends: array(Backend, mostBackends) });

export const pool = arrayMap({ value: Pool, maxEntries: 1 });

export const settings = config({
  address: ipv4.default("192.0.2.80", "the service's address"),
  port: u16.default(80, "the service's port"),
  protocol: oneOf({ tcp: 6, udp: 17 }).default("tcp", "its transport"),
});

type PoolRef = Ref<TypeOf<typeof Pool>>;

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== settings.protocol || (ip.fragment & fragmented) !== 0) return Pass;
  const transport = Ethernet.size + ipv4HeaderLength(ip);
  const ports = packet.at(transport, Ports);
  const backends = pool.ref(0);
  if (ports === undefined || backends === undefined) return Pass;

  if (ip.destination === settings.address && ports.destination === settings.port) {
    return toBackend(packet, transport, backends, flowHash(ip.source, ports.source));
  }
  if (ports.source === settings.port && isBackend(backends, ip.source)) {
    return fromBackend(packet, transport, ip.source);
  }
  return Pass;
});

/** Numbers that mix well: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014). */
function mix(value: u64): u64 {
  let mixed: u64 = value + 0x9e37_79b9_7f4a_7c15n;
  mixed = (mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n;
  mixed = (mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn;
  return mixed ^ (mixed >> 31n);
}

/** What distinguishes flows: the rest of the 5-tuple is the same for all packets to the service. */
function flowHash(source: u32, port: u16): u64 {
  return mix((u64(source) << 16n) | u64(port));
}

/** The backend with the largest weight for a flow; 0 when there are none. */
function choose(backends: PoolRef, flow: u64): u32 {
  let chosen: u32 = 0;
  let most = 0n;
  for (const i of range(mostBackends)) {
    const backend = backends.backends[i];
    if (backend === undefined || i >= backends.size) break;
    const weight = mix(flow ^ u64(backend.address));
    if (weight >= most) {
      most = weight;
      chosen = i;
    }
  }
  return chosen;
}

function isBackend(backends: PoolRef, address: u32): boolean {
  for (const i of range(mostBackends)) {
    if (i >= backends.size) break;
    if (backends.backends[i]?.address === address) return true;
  }
  return false;
}

function toBackend(packet: Packet, transport: u32, backends: PoolRef, flow: u64): Verdict {
  const chosen = choose(backends, flow);
  const ethernet = packet.at(0, Ethernet);
  const ip = packet.at(Ethernet.size, Ipv4);
  if (chosen >= mostBackends || chosen >= backends.size || ethernet === undefined || ip === undefined) return Drop;
  const backend = backends.backends[chosen];
  if (backend === undefined) return Drop;
  atomicAdd(backend, "packets", 1n);
  ethernet.destination = backend.mac;
  ethernet.source = backend.source;
  ip.destination = backend.address;
  return fixChecksums(packet, transport, settings.address, backend.address) ? redirect(backend.ifindex) : Drop;
}

/** The kernel routes it on: it knows the way to every client. */
function fromBackend(packet: Packet, transport: u32, backend: u32): Verdict {
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip === undefined) return Drop;
  ip.source = settings.address;
  return fixChecksums(packet, transport, backend, settings.address) ? Pass : Drop;
}

/** An address is covered by the header's checksum and, as part of the pseudo header, by the transport's. */
function fixChecksums(packet: Packet, transport: u32, from: u32, to: u32): boolean {
  return (
    fixTransport(packet, transport, from, to) &&
    packet.replaceChecksum(Ethernet.size + offsetOf(Ipv4, "checksum"), from, to, { layer: 3, size: 4 })
  );
}

function fixTransport(packet: Packet, transport: u32, from: u32, to: u32): boolean {
  if (settings.protocol === IpProtocol.tcp) {
    return packet.replaceChecksum(transport + offsetOf(Tcp, "checksum"), from, to, {
      layer: 4,
      size: 4,
      pseudoHeader: true,
    });
  }
  const options = { layer: 4, size: 4, pseudoHeader: true, zeroMeansNone: true } as const;
  return packet.replaceChecksum(transport + offsetOf(Udp, "checksum"), from, to, options);
}
