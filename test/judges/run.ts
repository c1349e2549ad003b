/**
 * Packets by another hand: scapy makes them and says what must become of them, tcpreplay sends them through a visor in
 * namespaces, tcpdump catches what arrives, and scapy compares and verifies all checksums.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FunctionCatalogue } from "../../src/engine/catalogue/functions.ts";
import { parseGraph } from "../../src/engine/graph/parse.ts";
import { MemoryStore } from "../../src/engine/store/memory.ts";
import { Visor } from "../../src/engine/visor/visor.ts";
import { builtInFunctions } from "../../src/functions/table.ts";
import type { VirtualNetwork } from "../../src/kernel/virtual-network.ts";
import { skipWithoutNetwork, testNetwork } from "../network/network.ts";

/** Debian's scapy is for Debian's interpreter, which need not be the first one on the path. */
const python = "/usr/bin/python3";
const main = new URL("main.py", import.meta.url).pathname;

interface Plan {
  readonly graph: { readonly functions: object; readonly links: readonly string[] };
  readonly devices: readonly string[];
  readonly mtu: number;
  readonly phases: readonly { readonly host: string; readonly file: string; readonly frames: number }[];
  readonly cases: number;
}

interface Judgement {
  readonly faults: readonly string[];
  /** Frames whose checksums were verified. */
  readonly verified: number;
}

function works(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { timeout: 20_000 }).status === 0;
}

function findReason(): string | false {
  if (skipWithoutNetwork) return skipWithoutNetwork;
  if (!works(python, "-c", "import scapy.all")) return "scapy is not installed (python3-scapy)";
  for (const tool of ["tcpreplay", "tcpdump"]) if (!works(tool, "--version")) return `${tool} is not installed`;
  return false;
}

/** False where all tools are there, else the reason. */
const skip: string | false = findReason();

function scapy<Result>(...args: readonly string[]): Result {
  // Nothing is written beside the sources.
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const text = execFileSync(python, [main, ...args], { encoding: "utf8", env, timeout: 60_000, maxBuffer: 1 << 26 });
  return JSON.parse(text) as Result;
}

let count = 0;

/** A built-in function before its judges, a test for each hook. */
export function testJudgements(kind: string): void {
  for (const hook of ["tcx", "xdp"]) {
    test(`what scapy sends arrives as scapy says (${hook})`, { skip, timeout: 120_000 }, async (t) => {
      const { faults, verified, cases } = await judgeFunction(kind, hook);
      assert.equal(faults.length, 0, faults.join("\n"));
      assert.ok(verified > cases / 4, `of ${cases} frames only ${verified} arrived`);
      t.diagnostic(`${cases} frames sent, the checksums of ${verified} verified`);
    });
  }
}

/** Sends all that scapy made for a function, at a hook, and gives what scapy says of what arrived. */
async function judgeFunction(kind: string, hook: string): Promise<Judgement & { readonly cases: number }> {
  const folder = mkdtempSync(join(tmpdir(), "iovisor-judges-"));
  try {
    const plan = scapy<Plan>("make", kind, hook, folder);
    using net = networkFor(plan);
    await using visor = await Visor.open({
      name: `iovtest${process.pid}j${count++}`,
      store: new MemoryStore(),
      functions: new FunctionCatalogue(builtInFunctions),
      base: folder,
      failed: (_, error) => assert.fail(String(error)),
    });
    try {
      await visor.apply(await graphOf(plan, net, hook));
      await exchange(plan, net, folder);
    } finally {
      await visor.teardown();
    }
    const judgement = scapy<Judgement>("judge", folder, ...plan.devices);
    assertJudgeSees(plan, folder);
    return { ...judgement, cases: plan.cases };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function networkFor({ devices, mtu }: Plan): VirtualNetwork {
  const wires = devices.map(
    (host) =>
      [
        { host, device: "eth0", mtu },
        { host: "middle", device: host, mtu },
      ] as const,
  );
  return testNetwork({ wires });
}

async function graphOf({ graph, devices }: Plan, net: VirtualNetwork, hook: string) {
  const netns = net.host("middle").namespace.name!;
  return await parseGraph({
    ...graph,
    devices: Object.fromEntries(devices.map((name) => [name, { name, netns, hook }])),
  });
}

async function exchange({ devices, phases }: Plan, net: VirtualNetwork, folder: string): Promise<void> {
  const captures = devices.map((host) => {
    const file = join(folder, `${host}.pcap`);
    const options = ["-i", "eth0", "-Q", "in", "-Z", "root", "-s", "0", "-B", "16384", "--immediate-mode", "-U"];
    return { file, child: net.host(host).spawn("tcpdump", [...options, "-w", file], { stdio: "ignore" }) };
  });
  for (const { file } of captures) await until(() => existsSync(file) && statSync(file).size >= 24, `${file} begins`);
  for (const { host, file, frames } of phases) {
    const args = ["-q", "-i", "eth0", "--pps", "1000", file];
    const { status, output } = await ended(
      net.host(host).spawn("tcpreplay", args, { stdio: ["ignore", "pipe", "pipe"] }),
    );
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`Successful packets: +${frames}\n`), output);
    await settled(captures.map((capture) => capture.file));
  }
  for (const { child } of captures) {
    child.kill("SIGINT");
    await ended(child);
  }
}

/** Waits until nothing more arrives. */
async function settled(files: readonly string[]): Promise<void> {
  const quiet = 200;
  const sizes = (): string => files.map((file) => statSync(file).size).join();
  for (let before = ""; before !== sizes(); await sleep(quiet)) before = sizes();
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (holds()) return;
    await sleep(10);
  }
  assert.fail(`${what}: not within five seconds`);
}

async function ended(child: ChildProcess): Promise<{ readonly status: number | null; readonly output: string }> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += data));
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once("close", resolve));
  return { status: child.exitCode, output };
}

/** A judge that sees nothing would let everything pass: of a capture with one bit changed it must complain. */
function assertJudgeSees({ devices }: Plan, folder: string): void {
  const file = join(folder, `${devices[1]}.pcap`);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(file, bytes);
  const { faults } = scapy<Judgement>("judge", folder, ...devices);
  assert.ok(faults.length >= 2, "a changed bit was not seen");
}
