/** One path under measurement, in three namespaces of its own: what sends, the device under test, what counts. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Module } from "../../src/compiler/hir/tree.ts";
import { type LoadedModule, loadModule } from "../../src/engine/load.ts";
import { findDevice } from "../../src/kernel/devices.ts";
import { type Attachment, attach } from "../../src/kernel/hooks.ts";
import type { KernelProgram } from "../../src/kernel/programs.ts";
import { errno } from "../../src/kernel/sys/errno.ts";
import { hasErrno } from "../../src/kernel/system-error.ts";
import { type NetworkPlan, type VirtualHost, VirtualNetwork } from "../../src/kernel/virtual-network.ts";
import { hooks } from "../../src/language/kinds.ts";
import { threadTime } from "../lib/timing.ts";
import { frameBytes } from "./frames.ts";

export const generatorCpu = 1;
const wordBytes = 64;
const settleMilliseconds = 300;

export interface LanePlan {
  readonly name: string;
  /** A power of two of them. */
  readonly frames: readonly Uint8Array[];
  /** The device under test gets these, port 0 towards the generator and port 1 towards the counting end. */
  readonly network?: Partial<NetworkPlan>;
  readonly addresses?: readonly [inside: string, outside: string];
  /** What writes the frames; the whole of each by default. */
  readonly generator?: "generate" | "generateAddresses";
}

/** What a run gave. */
export interface Run {
  readonly sent: number;
  readonly delivered: number;
  /** Of the processor, for each frame that was sent. */
  readonly nanoseconds: number;
}

let lanes = 0;

export class Lane implements Disposable {
  readonly name: string;
  readonly network: VirtualNetwork;
  readonly generator: KernelProgram;
  /** How many frames its path has dropped, by reason, where it counts them. */
  drops: () => Readonly<Record<string, number>> = () => ({});
  readonly #owned = new DisposableStack();
  readonly #packet: Uint8Array;
  readonly #sink: LoadedModule;

  constructor(module: Module, { name, frames, addresses, network, generator = "generate" }: LanePlan) {
    this.name = name;
    const prefix = `iov${process.pid}l${lanes++}`;
    const own = (index: 0 | 1) => (addresses ? { addresses: [addresses[index]] } : {});
    const wires = [
      [
        { host: "generator", device: "g0" },
        { host: "target", device: "p0", ...own(0) },
      ],
      [
        { host: "target", device: "p1", ...own(1) },
        { host: "sink", device: "s0" },
      ],
    ] as const;
    this.network = this.#owned.use(new VirtualNetwork({ wires, prefix, ...network }));
    this.#packet = frames[0]!;
    const device = findDevice("g0", this.network.host("generator").namespace).index;
    const sender = this.#owned.use(loadProgram(module, generator, { device, mask: frames.length - 1 }));
    fillFrames(sender, frames);
    this.generator = sender.entries[0]!.kernelProgram;
    this.#sink = this.#owned.use(loadProgram(module, "count"));
    this.attach(this.#sink.entries[0]!.kernelProgram, "s0", this.network.host("sink"));
  }

  /** The namespace with the path itself. */
  get target(): VirtualHost {
    return this.network.host("target");
  }

  index(device: string): number {
    return findDevice(device, this.target.namespace).index;
  }

  attach(program: KernelProgram, device: string, host: VirtualHost = this.target): Attachment {
    return this.#owned.use(attach(program, { hook: "xdp", device }, { namespace: host.namespace }));
  }

  /** Runs a program of the kernel module instead of a path: at the near end. */
  use(module: Module, program: string, settings: Readonly<Record<string, number>> = {}): this {
    const loaded = this.#owned.use(loadProgram(module, program, settings));
    this.attach(loaded.entries[0]!.kernelProgram, "p0");
    return this;
  }

  /** Runs a command in the namespace under test that reads what to do from its standard input. */
  batch(command: string, args: readonly string[], input: string): void {
    this.target.run(() => execFileSync(command, args, { input, stdio: ["pipe", "ignore", "inherit"] }));
  }

  get delivered(): number {
    return sumOf(this.#sink.maps.get("arrived")!.lookup(new Uint8Array(4))!);
  }

  /** Sends so many frames from this thread. The path runs on the same processor, in soft interrupts. */
  send(frames: number): Run {
    const before = this.delivered;
    const background = softInterruptTime();
    const start = threadTime();
    this.network.host("generator").run(() => {
      try {
        this.generator.testRun({ packet: this.#packet, live: true, repeat: frames });
      } catch (error) {
        if (!hasErrno(error, errno.EINTR)) throw error;
      }
    });
    const own = threadTime() - start;
    const end = performance.now() + settleMilliseconds;
    while (this.delivered - before < frames && performance.now() < end);
    const all = own + softInterruptTime() - background;
    return { sent: frames, delivered: this.delivered - before, nanoseconds: all / frames };
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

export function loadProgram(
  module: Module,
  name: string,
  settings: Readonly<Record<string, number>> = {},
): LoadedModule {
  const program = module.programs.find((one) => one.name === name)!;
  return loadModule(module, [{ program, hook: hooks.xdp }], { settings });
}

/** Gives a generator its set. */
export function fillFrames(generator: LoadedModule, frames: readonly Uint8Array[]): void {
  const set = generator.maps.get("frames")!;
  for (const [index, frame] of frames.entries()) set.update(keyOf(index), wordsOf(frame));
}

function keyOf(index: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(index).buffer);
}

function wordsOf(frame: Uint8Array): Uint8Array {
  if (frame.length !== frameBytes) throw new Error(`a frame of ${frame.length} bytes, not ${frameBytes}`);
  const words = new Uint8Array(wordBytes);
  words.set(frame);
  return words;
}

/** The sum over all processors of a value of 64 bits. */
export function sumOf(value: Uint8Array): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: value.byteLength / 8 }, (_, cpu) => Number(view.getBigUint64(8 * cpu, true))).reduce(
    (sum, one) => sum + one,
    0,
  );
}

const ksoftirqd = readdirSync("/proc").find((pid) => {
  if (!/^\d+$/.test(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === `ksoftirqd/${generatorCpu}`;
  } catch {
    return false;
  }
});

/** What the processor's thread for soft interrupts has run, in nanoseconds: it takes over where they become many. */
function softInterruptTime(): number {
  return ksoftirqd === undefined ? 0 : Number(readFileSync(`/proc/${ksoftirqd}/schedstat`, "utf8").split(" ")[0]);
}
