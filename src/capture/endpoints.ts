import type { Endpoints } from "./checksum.ts";
import type { Layer } from "./layer.ts";
import type { Routing } from "./protocols/ipv6-extensions.ts";

/**
 * The addresses of the nearest network layer around a message, for its pseudo-header. Behind a routing header the
 * destination is the final one (RFC 8200 section 8.1).
 */
export function endpointsOf(outer: readonly Layer[]): Endpoints | undefined {
  const at = outer.findLastIndex((layer) => layer.kind === "ip" || layer.kind === "ip6");
  const network = outer[at];
  if (network?.kind !== "ip" && network?.kind !== "ip6") return undefined;
  const routing = outer.slice(at).find((layer) => layer.kind === "routing");
  const final = routing && finalDestination(routing);
  return { source: network.source, destination: final ?? network.destination };
}

const segmentRouting = 4;

/** Type 4 (RFC 8754) lists its segments from the last to the first, other types in order. */
function finalDestination({ type, segmentsLeft, data }: Routing): Uint8Array | undefined {
  if (segmentsLeft === 0 || data.length < 20) return undefined;
  return type === segmentRouting ? data.subarray(4, 20) : data.subarray(-16);
}
