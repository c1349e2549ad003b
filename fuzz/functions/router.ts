/** The router against its model: random configurations that change under way, and frames. */
import { isDeepStrictEqual } from "node:util";
import { internetChecksum, transportChecksum } from "../../src/capture/checksum.ts";
import { sizeOf } from "../../src/compiler/hir/layout.ts";
import type { MapDeclaration, Module } from "../../src/compiler/hir/tree.ts";
import type { InstanceView } from "../../src/engine/host/host-side.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { prepareModule } from "../../src/engine/prepare.ts";
import { compileSource } from "../../src/engine/source.ts";
import { configuredRoutes, objects, routerPorts, staticNeighbours } from "../../src/functions/router/configuration.ts";
import host from "../../src/functions/router/host.ts";
import { LiveRoutes, liveArrays } from "../../src/functions/router/live-routes.ts";
import { type ModelConfiguration, type ModelOutcome, RouterModel } from "../../src/functions/router/model.ts";
import {
  type Neighbour,
  type NeighbourKey,
  placeOf,
  placeText,
  states,
} from "../../src/functions/router/neighbours.ts";
import { Random, randomFrame, randomPause, randomRouter } from "../../src/functions/router/random.ts";
import { RouteLookup } from "../../src/functions/router/route-lookup.ts";
import { routingTable } from "../../src/functions/router/routes.ts";
import { hex, padded, print } from "./frames.ts";
import type { Arrival, Decision, Subject, Witness } from "./witness.ts";

const ticksPerSecond = 250;

export interface RouterCase {
  readonly seed: number;
  readonly frames: number;
  readonly hook: PipelineHook;
  /** How often the configuration changes. */
  readonly changes: number;
}

export interface RouterReport {
  readonly failure: string | undefined;
  /** How often each outcome came. */
  readonly outcomes: Readonly<Record<string, number>>;
}

let compiled: Module | undefined;

export async function routerModule(): Promise<Module> {
  compiled ??= (await compileSource(new URL("../../src/functions/router/kernel.ts", import.meta.url).pathname)).module;
  return compiled;
}

export function routerSubject(module: Module, view: InstanceView): Subject {
  const declared = new Set(module.settings.map(({ name }) => name));
  const given = Object.fromEntries(Object.entries(view.config).filter(([name]) => declared.has(name)));
  const settings = { ...given, ...host.settings?.(view), ticksPerSecond };
  const prepared = prepareModule(module, settings as never).module;
  const sizes = host.mapSizes!(view);
  const maps = prepared.maps.map((map) => ({ ...map, maxEntries: sizes[map.name] ?? map.maxEntries }));
  return { module: { ...prepared, maps }, tables: { ...host.tables!(view), ...routeContents(view, maps) } };
}

/** The routes as a change leaves them: every other one was there before. */
function routeContents(view: InstanceView, maps: readonly MapDeclaration[]): Subject["tables"] {
  const arrays = Object.fromEntries(
    maps
      .filter(({ name }) => (liveArrays as readonly string[]).includes(name))
      .map(({ name, value, maxEntries }) => [name, new Uint8Array(sizeOf(value!) * maxEntries)]),
  );
  const routes = objects(view.config["routes"]);
  const before = { ...view, config: { ...view.config, routes: routes.filter((_, index) => index % 2 === 0) } };
  const writer = new LiveRoutes();
  writer.stage(before, { arrays, isNew: true });
  const staged =
    writer.stage(view, { arrays, isNew: false }) ?? writer.stage(view, { arrays: zeros(arrays), isNew: true });
  return { ...mapped(arrays, withoutZeros), routeVersion: [[0, staged!.word]] };
}

function mapped(
  arrays: Readonly<Record<string, Uint8Array>>,
  change: (bytes: Uint8Array) => Uint8Array,
): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [name, change(bytes)]));
}

function zeros(arrays: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, Uint8Array>> {
  return mapped(arrays, (bytes) => bytes.fill(0));
}

/** Up to the last value that is not what a new array has anyway. */
function withoutZeros(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, 24 * Math.ceil((bytes.findLastIndex((byte) => byte !== 0) + 1) / 24));
}

export function modelConfiguration(view: InstanceView): ModelConfiguration {
  const ports = routerPorts(view);
  const numbers = new Map(ports.map(({ name, number }) => [name, number]));
  return {
    ports,
    routes: new RouteLookup(routingTable(ports, configuredRoutes(view))),
    statics: new Map(
      staticNeighbours(view).map(({ port, address, mac }) => [placeText({ port: numbers.get(port)!, address }), mac]),
    ),
    ticksPerSecond,
  };
}

function outcomeOf(decision: Decision, module: Module): unknown {
  switch (decision.kind) {
    case "drop":
      return { kind: "drop", reason: module.interface!.dropReasons[decision.reason - 1]?.name ?? "unspecified" };
    case "punt":
      return { kind: "punt", reason: module.interface!.puntReasons[decision.reason]?.name };
    case "forward":
      return { kind: "forward", port: decision.port, frame: hex(decision.frame) };
    case "flood":
    case "other":
      return "no verdict of a router";
  }
}

function comparable(outcome: ModelOutcome): unknown {
  return outcome.kind === "forward" ? { ...outcome, frame: hex(outcome.frame) } : outcome;
}

/** What a frame that left says of itself: its checksums hold where those of the frame before did. */
export function checksumFault(before: Uint8Array, after: Uint8Array): string | undefined {
  const good = (frame: Uint8Array): boolean => {
    const ip = frame.subarray(14);
    const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
    // Functions but routers let frames through that end within a header.
    if (ip.length < (frame[12] === 0x86 ? 40 : 20)) return false;
    if (frame[12] === 0x86) {
      const message = ip.subarray(40, 40 + view.getUint16(4));
      const ends = { source: ip.subarray(8, 24), destination: ip.subarray(24, 40) };
      return ![6, 17, 58].includes(ip[6]!) || transportChecksum(ends, ip[6]!, message) === 0;
    }
    const headerLength = (ip[0]! & 15) * 4;
    if (internetChecksum(ip.subarray(0, headerLength)) !== 0) return false;
    const message = ip.subarray(headerLength, view.getUint16(2));
    const isWhole = (view.getUint16(6) & 0x3fff) === 0;
    return !isWhole || ip[9] !== 1 || internetChecksum(message) === 0;
  };
  if (after[12] === 0x08 && after[13] === 0x06) return undefined;
  return good(before) && !good(after) ? "a checksum is wrong" : undefined;
}

/** What a witness knows of neighbours, as the model has it. */
function neighboursOf(witness: Witness): Readonly<Record<string, unknown>> {
  const names = Object.fromEntries(Object.entries(states).map(([name, state]) => [state, name]));
  const rows = ["neighbours4", "neighbours6"].flatMap((map) =>
    witness.entries(map).map(([key, value]) => {
      const { mac, state, confirmed, used, punts } = value as unknown as Neighbour;
      const entry = { mac: hex(mac), state: names[state], confirmed, used, punts };
      return [placeText(placeOf(key as unknown as NeighbourKey)), entry] as const;
    }),
  );
  return Object.fromEntries(rows);
}

function neighboursOfModel(model: RouterModel): Readonly<Record<string, unknown>> {
  const rows = [...model.neighbours.entries].map(([key, entry]) => [key, { ...entry, mac: hex(entry.mac) }] as const);
  return Object.fromEntries(rows);
}

function compare(
  witness: Witness,
  seen: { readonly expected: unknown; readonly got: unknown; readonly model: RouterModel },
) {
  const { expected, got, model } = seen;
  if (!isDeepStrictEqual(expected, got)) return `${witness.name}: ${print(got)}\n the model: ${print(expected)}`;
  const [known, right] = [neighboursOf(witness), neighboursOfModel(model)];
  return isDeepStrictEqual(known, right)
    ? undefined
    : `${witness.name} knows ${print(known)}\n the model ${print(right)}`;
}

/** Runs a case; says what differed first. */
export function runRouterCase(options: RouterCase, module: Module, witnesses: readonly Witness[]): RouterReport {
  const random = new Random(options.seed);
  const outcomes: Record<string, number> = {};
  const shortest = Math.max(...witnesses.map((witness) => witness.shortest));
  let view = randomRouter(random);
  const model = new RouterModel(modelConfiguration(view));
  let ticks = 4_294_900_000n;
  const perConfiguration = Math.ceil(options.frames / (options.changes + 1));
  for (let index = 0; index < options.frames; index++) {
    if (index % perConfiguration === 0) {
      if (index > 0) view = randomRouter(random);
      model.configuration = modelConfiguration(view);
      for (const witness of witnesses) witness.configure(routerSubject(module, view));
    }
    ticks += randomPause(random, ticksPerSecond);
    const port = random.pick(model.configuration.ports);
    const frame = padded(randomFrame(random, port.number), shortest);
    const arrival: Arrival = { port: port.number, ticks, frame, tag: undefined };
    const outcome = model.handle({ port, frame, ticks });
    const name = outcome.kind === "forward" ? "forward" : outcome.reason;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    for (const witness of witnesses) {
      const decision = witness.run(arrival);
      const got = outcomeOf(decision, module);
      const fault = decision.kind === "forward" ? checksumFault(frame, decision.frame) : undefined;
      const failure = fault ?? compare(witness, { expected: comparable(outcome), got, model });
      if (!failure) continue;
      const what = `port ${port.number} at tick ${ticks}: ${hex(frame)}\n${print(view)}`;
      return { failure: `seed ${options.seed} at ${options.hook}, frame ${index}: ${failure}\n${what}`, outcomes };
    }
  }
  return { failure: undefined, outcomes };
}
