/**
 * The host side of balancer.ts: attaches it and fills its pool of backends.
 *
 *     sh scripts/with-node.sh examples/balancer.host.ts 192.0.2.80 80 wan lan=10.0.2.2/02:00:00:00:02:02 ...
 *
 * takes the service's address and port, the devices that clients come in by, and for each backend the device by which
 * it is reached, its address and its MAC address. It runs until Ctrl-C.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "../src/index.ts";

const mostBackends = 16;

/** A backend and the way to it. */
export interface BackendPath {
  readonly address: string;
  readonly mac: string;
  /** The interface index of the device that it is reached by, and that device's own MAC address. */
  readonly ifindex: number;
  readonly source: string;
}

function addressNumber(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":"), (part) => Number.parseInt(part, 16));
}

/** The value of the map `pool` for these backends. */
export function poolOf(paths: readonly BackendPath[]) {
  const empty = { address: 0, ifindex: 0, mac: new Uint8Array(6), source: new Uint8Array(6), packets: 0n };
  const backends = paths.map(({ address, ifindex, mac, source }) => ({
    address: addressNumber(address),
    ifindex,
    mac: macBytes(mac),
    source: macBytes(source),
    packets: 0n,
  }));
  return {
    size: backends.length,
    backends: [...backends, ...Array.from({ length: mostBackends - backends.length }, () => empty)],
  };
}

/** Reads "lan=10.0.2.2/02:00:00:00:02:02". */
function parsePath(text: string): BackendPath & { readonly device: string } {
  const [, device, address, mac] = /^([^=]+)=([\d.]+)\/([\da-f:]+)$/i.exec(text) ?? [];
  if (!device || !address || !mac) throw new Error(`"${text}" is not DEVICE=ADDRESS/MAC`);
  const read = (name: string) => readFileSync(`/sys/class/net/${device}/${name}`, "utf8").trim();
  return { device, address, mac, ifindex: Number(read("ifindex")), source: read("address") };
}

async function main([address, port, ...places]: readonly string[]): Promise<void> {
  const paths = places.filter((place) => place.includes("=")).map(parsePath);
  const uplinks = places.filter((place) => !place.includes("="));
  if (!address || !port || paths.length === 0 || paths.length > mostBackends) {
    console.error(`balancer.host.ts ADDRESS PORT UPLINK... DEVICE=ADDRESS/MAC... (1 to ${mostBackends} backends)`);
    process.exitCode = 2;
    return;
  }
  using balancer = await load<typeof import("./balancer.ts")>(new URL("./balancer.ts", import.meta.url), {
    settings: { address, port },
  });
  balancer.maps.pool.set(0, poolOf(paths));
  for (const device of new Set([...uplinks, ...paths.map((path) => path.device)])) {
    balancer.attach(`tcx-ingress:${device}`);
  }
  console.log(`${address}:${port} goes to ${paths.map((path) => path.address).join(", ")}; Ctrl-C ends it`);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  while (await sleep(1000, true, { signal: stop.signal }).catch(() => false)) {
    const backends = balancer.maps.pool.get(0)?.backends.slice(0, paths.length) ?? [];
    console.log(backends.map(({ packets }, index) => `${paths[index]?.address}: ${packets} packets`).join(", "));
  }
}

if (import.meta.main) await main(process.argv.slice(2));
