/** What the library infers from a kernel module's types. `npm test -- types` checks it; nothing of it is run. */
import { test } from "node:test";
import type { EventSource } from "./engine/events.ts";
import type { HostEvents, HostMap, HostMaps, HostSettings } from "./engine/host-types.ts";
import type { PerCpuMap, TypedMap, TypedQueue } from "./engine/typed-map.ts";
import { load, type RunningFunction } from "./index.ts";
import type {
  array,
  arrayMap,
  be32,
  bytes,
  config,
  ipv4,
  list,
  lruHash,
  onPacket,
  PacketRing,
  perCpuArray,
  queue,
  ringBuffer,
  Setting,
  spinLock,
  struct,
  TypeOf,
  u32,
  u64,
} from "./language/kernel/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Does not compile for `false`. */
type Holds<T extends true> = T;

type ClosedPort = typeof import("../examples/closed-port.ts");
interface Usage {
  packets: bigint;
  bytes: bigint;
}

export type MapsOfAnExample = Holds<Equal<keyof HostMaps<ClosedPort>, "usage">>;
export type SettingsOfAnExample = Holds<
  Equal<HostSettings<ClosedPort>, { readonly closedPort: number; readonly perSource: boolean }>
>;
export type NoEvents = Holds<Equal<HostEvents<ClosedPort>, never>>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
export type KeysAndValues = Holds<Same<HostMaps<ClosedPort>["usage"], TypedMap<number, Usage>>>;

/** A module in which everything occurs. */
interface Everything {
  Event: ReturnType<typeof makeEvent>;
  counters: ReturnType<typeof perCpuArray<typeof u64>>;
  words: ReturnType<typeof arrayMap<typeof u32>>;
  waiting: ReturnType<typeof queue<typeof u64>>;
  locked: ReturnType<typeof makeLocked>;
  log: ReturnType<typeof makeLog>;
  settings: ReturnType<typeof makeSettings>;
  default: ReturnType<typeof onPacket>;
}
declare function makeEvent(): ReturnType<
  typeof struct<{
    source: typeof be32;
    name: ReturnType<typeof bytes<16>>;
    sizes: ReturnType<typeof array<typeof u64, 4>>;
    inner: ReturnType<typeof struct<{ at: typeof u64 }>>;
  }>
>;
declare function makeLog(): ReturnType<typeof ringBuffer<ReturnType<typeof makeEvent>>>;
type Punted = HostMap<PacketRing<{ readonly reason: u32 }>>;
export type PacketRings = Holds<Same<Punted, EventSource<{ reason: number; length: number; packet: Uint8Array }>>>;
declare function makeLocked(): ReturnType<
  typeof lruHash<typeof u32, ReturnType<typeof struct<{ lock: typeof spinLock; count: typeof u64 }>>>
>;
declare function makeSettings(): ReturnType<
  typeof config<{
    mode: Setting<"strict" | "loose">;
    server: ReturnType<(typeof ipv4)["default"]>;
    limits: { burst: ReturnType<(typeof u64)["default"]> };
    rules: ReturnType<typeof list<{ index: typeof u32 }>>;
  }>
>;

interface Event {
  source: number;
  name: Uint8Array;
  sizes: readonly bigint[];
  inner: { at: bigint };
}
type Maps = HostMaps<Everything>;
export type Names = Holds<Equal<keyof Maps, "counters" | "words" | "waiting" | "locked" | "log">>;
export type PerCpu = Holds<Same<Maps["counters"], PerCpuMap<number, bigint>>>;
export type Words = Holds<Same<Maps["words"], TypedMap<number, number>>>;
export type Queues = Holds<Same<Maps["waiting"], TypedQueue<bigint>>>;
export type LocksAreLeftOut = Holds<Same<Maps["locked"], TypedMap<number, { count: bigint }>>>;
export type Rings = Holds<Same<Maps["log"], EventSource<Event>>>;
export type Events = Holds<Same<HostEvents<Everything>, Event>>;
export type Mode = Holds<Equal<HostSettings<Everything>["mode"], "strict" | "loose">>;
export type Server = Holds<Equal<HostSettings<Everything>["server"], number>>;
export type Nested = Holds<Equal<HostSettings<Everything>["limits"]["burst"], bigint>>;
export type KernelSideAgrees = Holds<Same<TypeOf<ReturnType<typeof makeEvent>>["inner"], { at: u64 }>>;

/** Never called: what compiles and what does not is the test. */
export async function uses(): Promise<void> {
  using running = await load<ClosedPort>("closed-port.ts", { settings: { closedPort: 80 } });
  const usage: Usage | undefined = running.maps.usage.get(1);
  running.maps.usage.set(1, usage ?? { packets: 1n, bytes: 2n });
  const port: number = running.settings.closedPort;
  // @ts-expect-error: numbers are not counters of 64 bits
  running.maps.usage.set(port, { packets: 1, bytes: 2n });
  // @ts-expect-error: no such map
  running.maps.other;
  // @ts-expect-error: no such setting
  await load<ClosedPort>("closed-port.ts", { settings: { closedDoor: 80 } });
  await load<Everything>("x.ts", {
    settings: { mode: "strict", server: "192.0.2.1", limits: { burst: 1 }, rules: [{}] },
  });
  // @ts-expect-error: no such mode
  await load<Everything>("x.ts", { settings: { mode: "none" } });
  const untyped: RunningFunction = await load("x.ts", { settings: { anything: 1 } });
  untyped.maps["any name"];
}

test("the types above compile", () => {});
