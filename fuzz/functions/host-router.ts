/** The router in host mode against its model, by the routes of a kernel that has many. */
import { isDeepStrictEqual } from "node:util";
import type { Module } from "../../src/compiler/hir/tree.ts";
import type { InstanceView } from "../../src/engine/host/host-side.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { formatAddress, formatPrefix, networkOf } from "../../src/functions/router/addresses.ts";
import {
  type HostModeOutcome,
  type HostModeWorld,
  hostMode,
  type LeftReason,
  type RoutingAnswer,
} from "../../src/functions/router/host-mode-model.ts";
import { macOf, Random, randomFrame, randomPause } from "../../src/functions/router/random.ts";
import type { VirtualHost } from "../../src/kernel/virtual-network.ts";
import { type FibRoute, findRoute } from "../../src/vm/fib.ts";
import { hex, padded, print } from "./frames.ts";
import { routerSubject } from "./router.ts";
import {
  type Arrival,
  type Decision,
  InterpreterWitness,
  KernelWitness,
  MachineWitness,
  type Witness,
} from "./witness.ts";

export interface HostRouterCase {
  readonly seed: number;
  readonly frames: number;
  readonly hook: PipelineHook;
}

/** Of these devices the first three are the router's. */
const devices = [1, 2, 3, 4] as const;
const ports = devices.slice(0, 3);
const [first, last] = [7, 16] as const;

interface World {
  /** What to tell `ip -batch`. */
  readonly commands: readonly string[];
  readonly routes: readonly FibRoute[];
  readonly indexes: ReadonlyMap<number, number>;
}

const station = (device: number, host: number): Uint8Array => Uint8Array.of(2, 0, 0, 9, device, host);
const address4 = (device: number, host: number): Uint8Array => Uint8Array.of(10, 0, device, host);

function address6(device: number, host: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set([0x20, 1, 0x0d, 0xb8, 0, device]);
  address[15] = host;
  return address;
}

const textOf = (mac: Uint8Array): string => [...mac].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

/** Networks of the devices, with two neighbours in each that are known, and what is the kernel's own in them. */
function connected(indexes: ReadonlyMap<number, number>): readonly FibRoute[] {
  return devices.flatMap((device) => {
    const ifindex = indexes.get(device)!;
    const whole = (network: Uint8Array, more: Partial<FibRoute> = {}): FibRoute => ({
      network,
      length: network.length * 8,
      ifindex,
      ...more,
    });
    const known = [2, 3].flatMap((host) => {
      const macs = { sourceMac: macOf(device), destinationMac: station(device, host) };
      return [whole(address4(device, host), macs), whole(address6(device, host), macs)];
    });
    const own = [address4(device, 1), address4(device, 255), address6(device, 0), address6(device, 1)];
    return [
      { network: address4(device, 0), length: 24, ifindex },
      { network: address6(device, 0), length: 64, ifindex },
      ...own.map((address) => whole(address, { action: "local" })),
      ...known,
    ];
  });
}

/** An address that frames of random.ts are sent to now and then. */
function somewhere(random: Random, isIpv4: boolean): Uint8Array {
  const bits = (): number => random.pick([0, 1, 2, 63, 64, 127, 128, 192, 255]);
  if (isIpv4) return Uint8Array.of(random.pick([10, 10, 172, 192]), bits(), bits(), bits());
  const address = address6(1 + random.below(3), 0);
  for (let index = 4; index < 16; index++) address[index] = random.pick([0, 0, 1, 128, 255]);
  return address;
}

function randomRoute(random: Random, indexes: ReadonlyMap<number, number>): readonly [string, FibRoute] {
  const isIpv4 = random.chance(50);
  const length = random.chance(10) ? 0 : first + random.below(isIpv4 ? last : 50);
  const network = networkOf({ address: somewhere(random, isIpv4), length });
  const prefix = formatPrefix({ address: network, length });
  const command = `${isIpv4 ? "" : "-6 "}route add`;
  const refused = ["blackhole", "unreachable", "prohibit"] as const;
  if (random.chance(25)) {
    const action = random.pick(refused);
    return [`${command} ${action} ${prefix}`, { network, length, ifindex: 1, action }];
  }
  const device = random.pick(devices);
  const host = random.pick([2, 3, 9]);
  const isOther = isIpv4 && random.chance(20);
  const gateway = (isIpv4 && !isOther ? address4 : address6)(device, host);
  const mtu = random.chance(20) ? 1300 : 1500;
  const via = `${isOther ? "via inet6" : "via"} ${formatAddress(gateway)} dev lan${device}`;
  const macs = host === 9 ? {} : { sourceMac: macOf(device), destinationMac: station(device, host) };
  return [
    `${command} ${prefix} ${via}${mtu === 1500 ? "" : ` mtu lock ${mtu}`}`,
    { network, length, ifindex: indexes.get(device)!, gateway, mtu, ...macs },
  ];
}

function randomWorld(random: Random, indexes: ReadonlyMap<number, number>): World {
  const own = connected(indexes);
  const taken = new Set(own.map(({ network, length }) => `${network.join(".")}/${length}`));
  const made = Array.from({ length: 60 }, () => randomRoute(random, indexes)).filter(([, { network, length }]) => {
    const key = `${network.join(".")}/${length}`;
    return !taken.has(key) && taken.add(key);
  });
  const neighbours = devices.flatMap((device) =>
    [2, 3].flatMap((host) =>
      [address4, address6].map((make) => {
        const to = `${formatAddress(make(device, host))} lladdr ${textOf(station(device, host))}`;
        return `neighbour replace ${to} dev lan${device} nud permanent`;
      }),
    ),
  );
  return {
    commands: [...neighbours, ...made.map(([command]) => command)],
    routes: [...own, ...made.map(([, route]) => route)],
    indexes,
  };
}

function viewOf(indexes: ReadonlyMap<number, number>, sourceCheck: HostModeWorld["sourceCheck"]): InstanceView {
  return {
    name: "r",
    config: { mode: "host", sourceCheck },
    ports: ports.map((device) => {
      const found = { name: `lan${device}`, ifindex: indexes.get(device)!, mac: textOf(macOf(device)), mtu: 1500 };
      const outer = { name: found.name, netns: undefined, found };
      return { name: `p${device}`, number: device, config: {}, linked: true, device: found, outer };
    }),
  };
}

const refusals = {
  blackhole: "blackhole",
  unreachable: "unreachable",
  prohibit: "prohibited",
  local: "localOrNoRoute",
  tunnel: "tunnel",
} as const;

/** What the model is told, straight from the routes. */
function answerFor(routes: readonly FibRoute[], destination: Uint8Array, length: number): RoutingAnswer {
  const route = findRoute(routes, destination);
  if (!route) return { kind: "other", result: "localOrNoRoute" };
  if (route.action && route.action !== "forward") return { kind: "other", result: refusals[route.action] };
  if (length > (route.mtu ?? 1500)) return { kind: "other", result: "tooBig" };
  const { ifindex: device, sourceMac, destinationMac } = route;
  if (!sourceMac || !destinationMac) return { kind: "noNeighbour", device };
  return { kind: "forward", device, macs: [sourceMac, destinationMac] };
}

/** What a witness did, with why it left a packet to the kernel: the count that went up. */
class Watched {
  readonly witness: Witness;
  #before = new Map<LeftReason, bigint>();

  constructor(witness: Witness) {
    this.witness = witness;
  }

  run(arrival: Arrival): HostModeOutcome | string {
    const decision = this.witness.run(arrival);
    const [[, named] = []] = this.witness.entries("toKernel");
    const counts = new Map(Object.entries(named as object) as [LeftReason, bigint][]);
    const risen = [...counts].filter(([why, count]) => count !== (this.#before.get(why) ?? 0n));
    this.#before = counts;
    return outcomeOf(
      decision,
      risen.map(([why]) => why),
      this.witness,
    );
  }
}

function outcomeOf(decision: Decision, left: readonly LeftReason[], { name }: Witness): HostModeOutcome | string {
  const [why] = left;
  if (decision.kind === "other" && left.length === 1) return { kind: "left", why: why! };
  if (left.length > 0) return `${name} left it for ${left.join(", ")} and more`;
  if (decision.kind === "forward") return { kind: "forward", port: decision.port, frame: decision.frame };
  return decision.kind === "drop" ? { kind: "drop", reason: "blackhole" } : `${name}: ${decision.kind}`;
}

function comparable(outcome: HostModeOutcome | string): unknown {
  return typeof outcome === "object" && outcome.kind === "forward"
    ? { ...outcome, frame: hex(outcome.frame) }
    : outcome;
}

/** A packet to a neighbour that the kernel is to look after goes by its stack, the next one does not. */
function runOnce(watched: Watched, arrival: Arrival): unknown {
  const outcome = watched.run(arrival);
  const isCheck = typeof outcome === "object" && outcome.kind === "left" && outcome.why === "neighbourCheck";
  return comparable(isCheck ? watched.run(arrival) : outcome);
}

/**
 * Runs a case on a host whose devices lan1 to lan4 have the addresses 10.0.N.1/24 and 2001:db8:N::1/64 and the MAC
 * addresses of random.ts; says what differed first.
 */
export function runHostRouterCase(
  { seed, frames, hook }: HostRouterCase,
  module: Module,
  { host, indexes }: { readonly host: VirtualHost; readonly indexes: ReadonlyMap<number, number> },
): { readonly failure: string | undefined; readonly outcomes: Readonly<Record<string, number>> } {
  const random = new Random(seed);
  const { commands, routes } = randomWorld(random, indexes);
  for (const command of commands) host.exec("ip", command.split(" "));
  const sourceCheck = random.pick(["none", "loose", "strict"] as const);
  const view = viewOf(indexes, sourceCheck);
  const known = new Map([...indexes.values()].map((index) => [index, { mtu: 1500 }]));
  const world: HostModeWorld = {
    ports: ports.map((device) => ({ number: device, mac: macOf(device), device: indexes.get(device)! })),
    sourceCheck,
    ask: ({ destination, length }) => answerFor(routes, destination, length),
  };
  using interpreter = new InterpreterWitness(hook, { routes, devices: known });
  using machine = new MachineWitness(hook, { routes, devices: known });
  using kernel = new KernelWitness(hook);
  const watched = [interpreter, machine, kernel].map((witness) => {
    witness.configure(routerSubject(module, view));
    return new Watched(witness);
  });
  const outcomes: Record<string, number> = {};
  let ticks = 4_294_900_000n;
  for (let index = 0; index < frames; index++) {
    ticks += randomPause(random, 250);
    const port = random.pick(world.ports);
    const frame = padded(randomFrame(random, port.number), kernel.shortest);
    const wanted = hostMode(world, port, frame);
    const name = wanted.kind === "left" ? `left ${wanted.why}` : wanted.kind;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    for (const one of watched) {
      const got = host.run(() => runOnce(one, { port: port.number, ticks, frame, tag: undefined }));
      if (isDeepStrictEqual(got, comparable(wanted))) continue;
      const told = `${one.witness.name}: ${print(got)}\n the model: ${print(comparable(wanted))}`;
      const setting = `${sourceCheck}, port ${port.number}: ${hex(frame)}\n${commands.join("\n")}`;
      return { failure: `seed ${seed} at ${hook}, frame ${index}: ${told}\n${setting}`, outcomes };
    }
  }
  return { failure: undefined, outcomes };
}
