/** Processes that are killed in their first apply, or while they take the graph off the machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PacketSocket } from "../../src/kernel/packet-socket.ts";
import { VirtualNetwork } from "../../src/kernel/virtual-network.ts";
import { child, dieAt, frame, type KillOptions, randomOf, takeAway } from "./kills.ts";
import { applyNumber, numberOf, openVisor, type Scene, stamps, writeFunctions } from "./scene.ts";

export interface EndReport {
  /** Kills of the first apply ever, and those after which its revision was live. */
  readonly first: number;
  readonly firstTaken: number;
  /** Kills of teardowns, and those after which nothing was there any more. */
  readonly last: number;
  readonly lastTaken: number;
}

/** Kills in the first apply ever, and while the graph is taken off the machine. @throws with what does not hold */
export async function runEnds({ kills, seed, log = () => undefined }: KillOptions): Promise<EndReport> {
  const wire = (host: string, device: string) =>
    [
      { host, device: "eth0" },
      { host: "m", device },
    ] as const;
  const prefix = `iov${process.pid}e-`;
  using network = new VirtualNetwork({ prefix, wires: [wire("a", "lan1"), wire("b", "lan2"), wire("c", "lan3")] });
  using traffic = new Probe(network);
  const random = randomOf(seed);
  let [firstTaken, lastTaken] = [0, 0];
  for (let kill = 0; kill < kills; kill++) {
    const scene: Scene = {
      folder: mkdtempSync(join(tmpdir(), "iov-ends-")),
      name: `iovend${process.pid}`,
      netns: `${prefix}m`,
    };
    try {
      writeFunctions(scene.folder);
      // Between the commit and its record in the store there is little time: every second dies right there, or nearby.
      if (kill % 2 === 0) await killIn(scene, "begin 1", random() * 900);
      else await dieAt(scene, kill >> 1);
      if (await startsWell(scene, traffic, "first")) firstTaken++;
      await apply(scene, 1);
      await killIn(scene, "begin teardown", random() * 20, "teardown");
      if ((await traffic.arrives()) === undefined) lastTaken++;
      if (!(await startsWell(scene, traffic, "last"))) throw new Error("after a teardown the last revision is lost");
      log(`kill ${kill}: ${firstTaken} first applies and ${lastTaken} teardowns took effect`);
    } finally {
      await takeAway(scene);
      rmSync(scene.folder, { recursive: true });
    }
    if (existsSync(`/sys/fs/bpf/iovisor/${scene.name}`)) throw new Error("pins are left");
  }
  return { first: kills, firstTaken, last: kills, lastTaken };
}

async function apply(scene: Scene, number: number): Promise<void> {
  await using open = await openVisor(scene);
  if (numberOf(open.visor) < number) await applyNumber(open.visor, number, scene);
}

/** Whether there is a revision; then packets meet it, else nothing is left but the empty tables. */
async function startsWell(scene: Scene, probe: Probe, what: string): Promise<boolean> {
  await using open = await openVisor(scene);
  const { running } = open.visor;
  const number = numberOf(open.visor);
  const found = await probe.arrives();
  if (found !== (number > 0 ? number % stamps : undefined)) {
    throw new Error(`${what}: packets meet ${found}, the store has ${number}`);
  }
  if (!running.isIntact()) throw new Error(`${what}: an attachment is not in its place`);
  const left = [...running.dataPath.pinnedLinks(), ...running.dataPath.pins.mapsInUse()];
  if (number === 0 && left.length > 0) throw new Error(`${what}: left behind: ${left.join(", ")}`);
  return number > 0;
}

/** Kills a process so long after it said something. */
async function killIn(
  { folder, name, netns }: Scene,
  text: string,
  milliseconds: number,
  mode?: string,
): Promise<void> {
  const args = [child, folder, name, netns, ...(mode === undefined ? [] : [mode])];
  const running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(running, "exit");
  let output = "";
  running.stdout.setEncoding("utf8").on("data", (more: string) => (output += more));
  while (!output.includes(text) && running.exitCode === null) await sleep(1);
  await sleep(milliseconds);
  running.kill("SIGKILL");
  const [, signal] = await exit;
  if (signal !== "SIGKILL") throw new Error("the process ended by itself");
}

/** One frame from a to b. */
class Probe implements Disposable {
  readonly #from: PacketSocket;
  readonly #to: PacketSocket;

  constructor(network: VirtualNetwork) {
    this.#from = network.host("a").packets("eth0");
    this.#to = network.host("b").packets("eth0");
  }

  /** The stamp of the revision that it met; undefined when it did not arrive. */
  async arrives(): Promise<number | undefined> {
    this.#from.send(frame);
    const data = (await this.#to.next(200))?.data;
    if (data && data[10] !== data[11]) throw new Error(`a packet met revision ${data[10]} and ${data[11]}`);
    return data?.[11];
  }

  [Symbol.dispose](): void {
    this.#from.close();
    this.#to.close();
  }
}
