/** The part of the model that is about IPv6: RFC 8200, RFC 4443 and RFC 4861. */
import { transportChecksum } from "../../capture/checksum.ts";
import { isLinkLocal, isNoHost } from "./addresses.ts";
import { concat, icmpv6, viewOf } from "./frames.ts";
import { addedTo, drop, type ModelArrival, type ModelOutcome, type RouterModel, same } from "./model.ts";

const types = { echoRequest: 128, echoReply: 129, solicitation: 135, advertisement: 136 } as const;
const allNodes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export function modelIpv6(model: RouterModel, arrival: ModelArrival, isGroup: boolean): ModelOutcome {
  const ip = arrival.frame.subarray(14);
  if (ip.length < 40) return drop("tooShort");
  if (ip[0]! >> 4 !== 6) return drop("badHeader");
  const length = 40 + viewOf(ip).getUint16(4);
  if (length > ip.length) return drop("badLength");
  const destination = ip.slice(24, 40);
  if (ip[8] === 0xff) return drop("badSource");
  const isOfLink = ip[6] === 58 && ip[7] === 255 && ip.length > 40;
  if (isOfLink && (ip[40] === types.solicitation || ip[40] === types.advertisement)) return discovery(model, arrival);
  if (destination[0] === 0xff) return drop("multicast");
  if (isGroup) return drop("broadcast");
  if (isNoHost(destination)) return drop("badDestination");
  if (isLinkLocal(destination)) {
    return same(destination, arrival.port.linkLocal) ? receive(arrival) : drop("linkLocal");
  }
  return route(model, arrival, ip.slice(0, length));
}

function route(model: RouterModel, arrival: ModelArrival, ip: Uint8Array): ModelOutcome {
  const hop = model.configuration.routes.hopOf(ip);
  if (hop?.kind === "local") return receive(arrival);
  if (isLinkLocal(ip.subarray(8, 24))) return drop("linkLocal");
  if (isNoHost(ip.subarray(8, 24))) return drop("badSource");
  if (hop?.kind === "blackhole") return drop("blackhole");
  if (ip[7]! < 2) return model.reject(arrival, "ttlExceeded");
  if (!hop) return model.reject(arrival, "noRoute");
  if (hop.kind === "prohibit") return model.reject(arrival, "prohibited");
  if (hop.kind !== "connected" && hop.kind !== "gateway") return drop("badDestination");
  const { mtu } = model.configuration.ports.find(({ number }) => number === hop.port)!;
  if (ip.length > mtu) return model.reject(arrival, "tooBig");
  const address = hop.kind === "gateway" ? hop.via : ip.slice(24, 40);
  const changed = ip.slice();
  changed[7]! -= 1;
  return model.sendTo(arrival, { port: hop.port, address }, changed);
}

/** Echo requests are answered: RFC 4443, section 4.2. */
function receive({ frame, port }: ModelArrival): ModelOutcome {
  const ip = frame.subarray(14);
  if (ip[6] === 44) return drop("fragmentForRouter");
  if (ip[6] !== 58) return drop("toRouter");
  if (ip.length < 48) return drop("tooShort");
  if (ip[40] !== types.echoRequest || ip[41] !== 0) return drop("toRouter");
  const message = ip.slice(40);
  message[0] = types.echoReply;
  const view = viewOf(message);
  // The type went up by one, so the checksum goes down.
  view.setUint16(2, addedTo(view.getUint16(2), 0xffff - 0x0100) % 0xffff);
  const header = concat(ip.subarray(0, 7), Uint8Array.of(64), ip.subarray(24, 40), ip.subarray(8, 24));
  const reply = concat(frame.subarray(6, 12), port.mac, frame.subarray(12, 14), header, message);
  return { kind: "forward", port: port.number, frame: reply };
}

interface Told {
  readonly model: RouterModel;
  readonly arrival: ModelArrival;
  readonly ip: Uint8Array;
  readonly target: Uint8Array;
  /** The link-layer address of the first option, where it is one of that type. */
  option(type: number): Uint8Array | undefined;
}

function discovery(model: RouterModel, arrival: ModelArrival): ModelOutcome {
  const ip = arrival.frame.slice(14);
  if (ip.length < 64) return drop("tooShort");
  const length = viewOf(ip).getUint16(4);
  const message = ip.slice(40, 40 + length);
  const target = message.slice(8, 24);
  const endpoints = { source: ip.slice(8, 24), destination: ip.slice(24, 40) };
  const isSound = message[1] === 0 && target[0] !== 0xff && length >= 24 && length <= 128 && length % 8 === 0;
  if (!isSound || transportChecksum(endpoints, 58, message) !== 0) return drop("badNeighbour");
  const option = (type: number): Uint8Array | undefined =>
    length >= 32 && message[24] === type && message[25] === 1 && (message[26]! & 1) === 0
      ? message.slice(26, 32)
      : undefined;
  const told: Told = { model, arrival, ip, target, option };
  if (message[0] === types.solicitation) return solicitation(told);
  return model.kindOn(arrival.port, target) === "local" ? drop("duplicateAddress") : advertisement(told);
}

/** RFC 4861, sections 7.1.1, 7.2.3 and 7.2.4. */
function solicitation({ model, arrival, ip, target, option }: Told): ModelOutcome {
  const { frame, port, ticks } = arrival;
  const source = ip.slice(8, 24);
  const isProbe = source.every((byte) => byte === 0);
  const mac = option(1);
  if (isProbe && (mac || ip[24] !== 0xff)) return drop("badNeighbour");
  const kind = model.kindOn(port, source);
  if (kind === "local") return drop("duplicateAddress");
  if (model.kindOn(port, target) !== "local") return drop("notAsked");
  if (mac && kind === "connected") model.neighbours.learn({ port: port.number, address: source }, mac, "stale", ticks);
  const flags = isProbe ? 0xa0 : 0xe0;
  const message = concat(
    Uint8Array.of(types.advertisement, 0, 0, 0, flags, 0, 0, 0),
    target,
    Uint8Array.of(2, 1),
    port.mac,
  );
  message.set(ip.subarray(45, 48), 5);
  const packet = icmpv6(target, isProbe ? allNodes : source, 255, message);
  packet.set(ip.subarray(0, 4));
  const to = isProbe ? Uint8Array.of(0x33, 0x33, 0, 0, 0, 1) : frame.subarray(6, 12);
  return { kind: "forward", port: port.number, frame: concat(to, port.mac, frame.subarray(12, 14), packet) };
}

/** RFC 4861, sections 7.1.2 and 7.2.5. */
function advertisement({ model, arrival, ip, target, option }: Told): ModelOutcome {
  const [isSolicited, overrides] = [(ip[44]! & 0x40) !== 0, (ip[44]! & 0x20) !== 0];
  if (ip[24] === 0xff && isSolicited) return drop("badNeighbour");
  const place = { port: arrival.port.number, address: target };
  const known = model.neighbours.get(place);
  if (!known) return drop("notAsked");
  const mac = option(2);
  const isKnown = known.state === "reachable" || known.state === "stale";
  if (!isKnown && !mac) return drop("badNeighbour");
  if (isKnown && mac && !overrides && !same(known.mac, mac)) {
    known.state = "stale";
    return drop("absorbed");
  }
  const waited = model.neighbours.learn(place, mac ?? known.mac, isSolicited ? "reachable" : "stale", arrival.ticks);
  return waited ? { kind: "punt", reason: "resolved" } : drop("absorbed");
}
