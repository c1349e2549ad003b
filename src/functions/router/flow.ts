/** The hash that spreads flows over next hops: the same as in kernel/lookup.ts. */
const word = (1n << 64n) - 1n;
const protocols = { tcp: 6, udp: 17 } as const;

function mix(value: bigint): bigint {
  const first = ((value ^ (value >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & word;
  const second = ((first ^ (first >> 27n)) * 0x94d0_49bb_1331_11ebn) & word;
  return second ^ (second >> 31n);
}

function portsAt(ip: DataView, offset: number, protocol: number): bigint {
  const has = (protocol === protocols.tcp || protocol === protocols.udp) && ip.byteLength >= offset + 4;
  return has ? BigInt(ip.getUint32(offset)) : 0n;
}

/** Of an IPv4 packet, from its header on. Fragments have no ports that all of them know. */
export function flowOf4(ip: DataView): bigint {
  const protocol = ip.getUint8(9);
  const isFragment = (ip.getUint16(6) & 0x3fff) !== 0;
  const ports = isFragment ? 0n : portsAt(ip, (ip.getUint8(0) & 15) * 4, protocol);
  return mix(mix(ip.getBigUint64(12)) ^ (ports << 8n) ^ BigInt(protocol));
}

export function flowOf6(ip: DataView): bigint {
  const protocol = ip.getUint8(6);
  const addresses = [8, 16, 24, 32].reduce((hash, offset) => mix(hash ^ ip.getBigUint64(offset)), 0n);
  return mix(addresses ^ (portsAt(ip, 40, protocol) << 8n) ^ BigInt(protocol));
}
