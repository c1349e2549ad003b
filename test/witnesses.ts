/**
 * A packet program that puts numbers into the map `out` (`moduleText` declares it), run by the three witnesses, with
 * the timers that it starts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createMapStore } from "../src/compiler/hir/interpret/maps.ts";
import { advanceTimers, interpret, TimerQueue } from "../src/compiler/hir/interpret.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { compileModulePrograms } from "../src/engine/compiled.ts";
import { loadModule } from "../src/engine/load.ts";
import { mapSpec } from "../src/engine/map-spec.ts";
import { hooks } from "../src/language/kinds.ts";
import { link } from "../src/vm/link.ts";
import { createMap } from "../src/vm/maps/create.ts";
import * as vm from "../src/vm/run.ts";
import { Timers } from "../src/vm/timers.ts";

export const frame = new Uint8Array(64);
/** Nanoseconds that the interpreter and the machine let pass behind the run. */
const enough = 1_000_000_000n;

function valuesOf(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: 16 }, (_, index) => view.getBigUint64(8 * index, true));
  while (values.at(-1) === 0n) values.pop();
  return values;
}

const zero = new Uint8Array(4);
const indexOfOut = (module: Module): number => module.maps.findIndex(({ name }) => name === "out");

export function interpreted(module: Module): bigint[] {
  const maps = module.maps.map((map) => createMapStore(map, 1));
  const timers = new TimerQueue();
  const input = { hook: "xdp", maps, timers, packet: frame } as const;
  interpret(module.programs[0]!, module, { ...input, clock: () => 0n });
  advanceTimers(module, input, enough);
  return valuesOf(maps[indexOfOut(module)]!.lookup(zero, 0)!);
}

export function inMachine(module: Module, optimization: 0 | 2): bigint[] {
  const request = { hooks: ["xdp"], compile: { optimization, checkAllocation: true } } as const;
  const { prepared, programs } = compileModulePrograms(module, request);
  const maps = Object.fromEntries(
    prepared.module.maps.map((map) => [map.name, createMap(mapSpec(prepared.module, map, new Map()))]),
  );
  const timers = new Timers();
  vm.runXdp(link(programs[0]!.code, maps), frame, { timers, clock: () => 0n });
  vm.advanceTimers(timers, enough);
  return valuesOf(maps["out"]!.lookup(zero)!);
}

/** Runs it until `out` holds what is expected, and a little longer. */
export async function inKernel(module: Module, optimization: 0 | 2, expected: readonly bigint[]): Promise<bigint[]> {
  const wanted = [{ program: module.programs[0]!, hook: hooks.xdp }];
  using loaded = loadModule(module, wanted, { compile: { optimization } });
  loaded.entries[0]!.kernelProgram.testRun({ packet: frame });
  const values = (): bigint[] => valuesOf(loaded.maps.get("out")!.lookup(zero)!);
  for (const end = performance.now() + 2000; performance.now() < end; await sleep(5)) {
    if (values().join() === expected.join()) break;
  }
  await sleep(5);
  return values();
}
