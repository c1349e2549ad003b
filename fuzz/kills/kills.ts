/** Processes that are killed in the middle of an apply: what packets meet, and what the next process makes of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildPacket } from "../../src/capture/packet.ts";
import type { PacketSocket } from "../../src/kernel/packet-socket.ts";
import { VirtualNetwork } from "../../src/kernel/virtual-network.ts";
import { applyNumber, hasThird, numberOf, openVisor, type Scene, stamps, writeFunctions } from "./scene.ts";

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  readonly log?: (line: string) => void;
}

export interface KillReport {
  readonly kills: number;
  readonly applies: number;
  /** Kills after which the revision that was under way was live. */
  readonly taken: number;
  readonly sent: number;
  readonly received: number;
}

export const child = fileURLToPath(new URL("./child.ts", import.meta.url));
export const frame = buildPacket("eth 02:00:00:00:00:00 > 02:00:00:00:00:01 / ip / udp 1 > 2 / payload 18");
const backward = buildPacket("eth 02:00:00:bb:00:00 > 02:00:00:00:00:01 / ip / udp 1 > 2 / payload 18");
const burst = 50;
const stampOf = (number: number): number => number % stamps;

/** @throws with the first thing that does not hold */
export async function runKills({ kills, seed, log = () => undefined }: KillOptions): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "iov-kills-"));
  const wire = (host: string, device: string) =>
    [
      { host, device: "eth0" },
      { host: "m", device },
    ] as const;
  const prefix = `iov${process.pid}k-`;
  using network = new VirtualNetwork({ prefix, wires: [wire("a", "lan1"), wire("b", "lan2"), wire("c", "lan3")] });
  const scene: Scene = { folder, name: `iovkill${process.pid}`, netns: `${prefix}m` };
  let report: KillReport;
  try {
    writeFunctions(folder);
    report = await new Ordeal(scene, network, seed, log).run(kills);
  } finally {
    await takeAway(scene);
    rmSync(folder, { recursive: true });
  }
  if (existsSync(`/sys/fs/bpf/iovisor/${scene.name}`)) throw new Error("pins are left");
  return report;
}

/** Between 0 and 1 (xorshift, Marsaglia 2003). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export async function takeAway(scene: Scene): Promise<void> {
  await using open = await openVisor(scene);
  await open.visor.teardown();
}

/** A process that dies right before one of its first transactions with the store: what it said. */
export async function dieAt({ folder, name, netns }: Scene, turn: number): Promise<string> {
  const transaction = String(turn % 8);
  const running = spawn(process.execPath, [child, folder, name, netns, transaction], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  running.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [, signal] = await once(running, "close");
  if (signal !== "SIGKILL") throw new Error("the process ended by itself");
  return output;
}

class Ordeal {
  readonly #scene: Scene;
  readonly #network: VirtualNetwork;
  readonly #log: (line: string) => void;
  readonly #next: () => number;
  #done = 0;
  #taken = 0;

  constructor(scene: Scene, network: VirtualNetwork, seed: number, log: (line: string) => void) {
    this.#scene = scene;
    this.#network = network;
    this.#next = randomOf(seed);
    this.#log = log;
  }

  async run(kills: number): Promise<KillReport> {
    {
      await using open = await openVisor(this.#scene);
      await applyNumber(open.visor, 1, this.#scene);
    }
    this.#done = 1;
    using traffic = new Traffic(this.#network);
    for (let kill = 0; kill < kills; kill++) {
      // Every fourth dies while it starts and puts right what the one before left.
      // Between the commit and its record in the store there is little time: every fourth dies right there, or nearby.
      const begun =
        kill % 4 === 1 ? this.#read(await dieAt(this.#scene, kill >> 2)) : await this.#killOne(kill % 4 === 3);
      const found = await traffic.steady();
      if (found !== this.#done % stamps && found !== begun % stamps) {
        throw new Error(`kill ${kill}: packets meet ${found}; ${this.#done} was done, ${begun} under way`);
      }
      if (found === begun % stamps && begun !== this.#done) this.#taken++;
      this.#done = found === begun % stamps ? begun : this.#done;
      this.#log(`kill ${kill}: revision ${this.#done}, ${begun} was under way`);
      await traffic.checkSides(this.#done);
      if (kill % 10 === 9) this.#done = await this.#inspect();
    }
    await this.#inspect();
    const { sent, received } = await traffic.end();
    if (sent !== received) throw new Error(`${sent} frames were sent, ${received} arrived`);
    return { kills, applies: this.#done, taken: this.#taken, sent, received };
  }

  /** The number of the revision that was under way, or was done last. */
  async #killOne(early: boolean): Promise<number> {
    const { folder, name, netns } = this.#scene;
    const running = spawn(process.execPath, [child, folder, name, netns], { stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(running, "exit");
    let output = "";
    let errors = "";
    running.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    running.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const applies = () => output.split("\n").filter((line) => line.startsWith("done ")).length;
    const wanted = early ? 0 : Math.floor(this.#next() * 4);
    while (applies() < wanted && running.exitCode === null) await sleep(1);
    // The first apply of a process compiles all, and takes longer.
    await sleep(this.#next() * (early ? 900 : wanted === 0 ? 600 : 60));
    running.kill("SIGKILL");
    const [, signal] = await exit;
    if (signal !== "SIGKILL") throw new Error(`the process ended by itself: ${errors}`);
    return this.#read(output);
  }

  #read(output: string): number {
    const numbers = (word: string) =>
      [...output.matchAll(new RegExp(`^${word} (\\d+)\\n`, "gm"))].map(([, digits]) => Number(digits));
    this.#done = numbers("done").at(-1) ?? this.#done;
    return numbers("begin").at(-1) ?? this.#done;
  }

  /** A process that starts finds the revision that packets meet, and nothing that no revision knows. */
  async #inspect(): Promise<number> {
    await using open = await openVisor(this.#scene);
    const { visor } = open;
    const { record, dataPath } = visor.running;
    if (numberOf(visor) !== this.#done) throw new Error(`the store has ${numberOf(visor)}, not ${this.#done}`);
    if (!visor.running.isIntact()) throw new Error("an attachment or a device is not in its place");
    visor.running.settle();
    const maps = new Set(Object.values(record.maps).flatMap((own) => Object.values(own).map(({ pin }) => pin)));
    const strange = dataPath.pins.mapsInUse().filter((path) => !maps.has(path));
    const known = new Set(record.attachments.map(({ key }) => key));
    const links = dataPath.pinnedLinks().filter((name) => !known.has(name) && !name.startsWith("recirculation-"));
    if (strange.length + links.length > 0) throw new Error(`left behind: ${[...strange, ...links].join(", ")}`);
    const next = this.#done + 1;
    await applyNumber(visor, next, this.#scene);
    return next;
  }
}

/** A frame every millisecond, all the time, and a look at each that arrives. */
class Traffic implements Disposable {
  readonly #from: PacketSocket;
  readonly #third: PacketSocket;
  readonly #to: PacketSocket;
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #received = 0;
  #last = -1;
  #broken: string | undefined;

  constructor(network: VirtualNetwork) {
    this.#from = network.host("a").packets("eth0");
    this.#to = network.host("b").packets("eth0");
    this.#third = network.host("c").packets("eth0");
    this.#timer = setInterval(() => this.#turn(), 1);
  }

  #turn(): void {
    this.#from.send(frame);
    this.#sent++;
    this.#drain();
  }

  #drain(): void {
    for (const { data } of this.#to.drain()) {
      this.#received++;
      this.#last = data[11]!;
      if (data[10] !== data[11]) this.#broken ??= `a packet met revision ${data[10]} first and ${data[11]} then`;
    }
  }

  /** With nobody at work all frames meet one revision: which. */
  async steady(): Promise<number> {
    await this.#settled();
    const seen = new Set<number>();
    for (let count = 0; count < burst; count++) {
      this.#turn();
      await sleep(0);
      seen.add(this.#last);
    }
    await this.#settled();
    if (this.#broken !== undefined) throw new Error(this.#broken);
    if (this.#sent !== this.#received) throw new Error(`${this.#sent} frames were sent, ${this.#received} arrived`);
    if (seen.size !== 1) throw new Error(`frames meet several revisions: ${[...seen].join(", ")}`);
    return this.#last;
  }

  /** With nobody at work: every attachment leads into the same revision, or nowhere where that one does not have it. */
  async checkSides(number: number): Promise<void> {
    const third = await this.#meets(this.#third, number);
    const back = await this.#meets(this.#to, number);
    if (back !== true) throw new Error(`what comes in on the second device does not meet revision ${number}`);
    if (third !== hasThird(number)) throw new Error(`the third device is ${third ? "" : "not "}attached in ${number}`);
  }

  /** Whether frames of a socket's side arrive on the first one, with the stamps of the revision. */
  async #meets(socket: PacketSocket, number: number): Promise<boolean> {
    this.#from.drain();
    for (let count = 0; count < burst; count++) socket.send(backward);
    const stamps: string[] = [];
    for (let tries = 0; tries < 20 && stamps.length < burst; tries++) {
      await sleep(2);
      for (const { data } of this.#from.drain())
        if (data[6] === 2 && data[9] === 0xbb) stamps.push(`${data[10]} ${data[11]}`);
    }
    if (stamps.length === 0) return false;
    const wanted = `${stampOf(number)} ${stampOf(number)}`;
    const strange = stamps.find((stamp) => stamp !== wanted);
    if (strange !== undefined) throw new Error(`an attachment leads to ${strange}, not to ${wanted}`);
    if (stamps.length !== burst) throw new Error(`${stamps.length} of ${burst} frames arrived`);
    return true;
  }

  /** All that was sent has arrived, or will not. */
  async #settled(): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
      await sleep(5);
      this.#drain();
      if (this.#sent === this.#received) return;
    }
  }

  async end(): Promise<{ readonly sent: number; readonly received: number }> {
    clearInterval(this.#timer);
    await this.#settled();
    if (this.#broken !== undefined) throw new Error(this.#broken);
    return { sent: this.#sent, received: this.#received };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#from.close();
    this.#to.close();
    this.#third.close();
  }
}
