/** What graphs are compared with, as lanes. */
import { writeFileSync } from "node:fs";
import type { Module } from "../../src/compiler/hir/tree.ts";
import type { Lane } from "./lane.ts";

/** The generator's own cost: frames end where the path begins. */
export function dropLane(module: Module, lane: Lane): Lane {
  return lane.use(module, "count");
}

/** The limit: an XDP program that rewrites an address and redirects. */
export function bareLane(module: Module, lane: Lane): Lane {
  return lane.use(module, "bare", { device: lane.index("p1") });
}

/** The kernel's bridge over both devices, without the firewall hooks of IP on it. */
export function bridgeLane(lane: Lane): Lane {
  const ip = (...args: readonly string[]) => lane.target.exec("ip", args);
  ip("link", "add", "br0", "type", "bridge");
  ip("link", "set", "br0", "up");
  for (const port of ["p0", "p1"]) ip("link", "set", port, "master", "br0");
  withGro(lane);
  withoutBridgeFirewall(lane);
  return lane;
}

/** Bridges in a row, joined by veth pairs, that know by which port a station is reached. */
export function bridgesLane(lane: Lane, length: number, station: string): Lane {
  const ip = (...args: readonly string[]) => lane.target.exec("ip", args);
  for (let number = 1; number < length; number++) {
    ip("link", "add", `l${number}`, "type", "veth", "peer", "name", `r${number}`);
    for (const end of [`l${number}`, `r${number}`]) ip("link", "set", end, "up");
  }
  for (let number = 0; number < length; number++) {
    const [near, far] = [number === 0 ? "p0" : `r${number}`, number === length - 1 ? "p1" : `l${number + 1}`];
    ip("link", "add", `br${number}`, "type", "bridge");
    ip("link", "set", `br${number}`, "up");
    for (const port of [near, far]) ip("link", "set", port, "master", `br${number}`);
    lane.target.exec("bridge", ["fdb", "add", station, "dev", far, "master", "static"]);
  }
  withGro(lane);
  withoutBridgeFirewall(lane);
  return lane;
}

/** Frames that XDP sends reach the stack behind a veth that does GRO only. */
export function withGro(lane: Lane): void {
  lane.target.exec("ethtool", ["-K", "p0", "gro", "on"]);
}

/** These are files where the module for them is loaded (net/bridge/br_netfilter_hooks.c), and on by default. */
function withoutBridgeFirewall(lane: Lane): void {
  lane.target.run(() => {
    for (const family of ["ip", "ip6", "arp"]) {
      try {
        writeFileSync(`/proc/sys/net/bridge/bridge-nf-call-${family}tables`, "0");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  });
}
