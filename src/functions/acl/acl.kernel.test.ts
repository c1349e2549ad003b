/** The access list in the kernel, between two hosts. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { FunctionCatalogue } from "../../engine/catalogue/functions.ts";
import { parseGraph } from "../../engine/graph/parse.ts";
import type { JsonObject } from "../../engine/host/host-side.ts";
import { MemoryStore } from "../../engine/store/memory.ts";
import type { HostReport } from "../../engine/visor/host-runtime.ts";
import { Visor } from "../../engine/visor/visor.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";

const ends = "const [address, port] = process.argv.slice(1);";
const datagrams = "const s = require('dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');";
const servers = {
  tcp: `${ends} require("net").createServer((c) => { c.on("error", () => {}); c.end("yes"); }).listen(+port, address);`,
  udp: `${ends} ${datagrams} s.on("message", (_, from) => s.send("yes", from.port, from.address));
    s.bind(+port, address);`,
};
/** Ask until there is an answer, for two seconds: the server may not be there yet. */
const again = "setInterval(ask, 100); ask(); setTimeout(() => process.exit(1), 2000);";
const clients = {
  tcp: `${ends} const ask = () => { const c = require("net").connect(+port, address); c.on("error", () => {});
    c.on("data", () => process.exit(0)); }; ${again}`,
  udp: `${ends} ${datagrams} s.on("message", () => process.exit(0)); const ask = () => s.send("?", +port, address);
    ${again}`,
};

let count = 0;

/** Two hosts with an access list in between, at a hook. */
class Bench implements AsyncDisposable {
  readonly net: VirtualNetwork;
  readonly reports: readonly HostReport[];
  readonly #visor: Visor;
  readonly #folder: string;
  readonly #hook: string;

  private constructor(net: VirtualNetwork, folder: string, hook: string, visor: Visor, reports: readonly HostReport[]) {
    this.net = net;
    this.reports = reports;
    this.#folder = folder;
    this.#hook = hook;
    this.#visor = visor;
  }

  static async open(hook: string): Promise<Bench> {
    const end = (host: string, number: number) => ({
      host,
      device: "eth0",
      addresses: [`192.0.2.${number}/24`, `2001:db8::${number}/64`],
    });
    const net = testNetwork({
      wires: [
        [end("a", 1), { host: "middle", device: "lan1" }],
        [end("b", 2), { host: "middle", device: "lan2" }],
      ],
    });
    // What is redirected at XDP loses the note that its checksum is still to be made.
    const offloads = ["-K", "eth0", "gro", "on", "tx", "off"];
    if (hook === "xdp") for (const host of ["a", "b"]) net.host(host).exec("ethtool", offloads);
    const folder = mkdtempSync(join(tmpdir(), "iovisor-acl-"));
    const reports: HostReport[] = [];
    const visor = await Visor.open({
      name: `iovtest${process.pid}a${count++}`,
      store: new MemoryStore(),
      functions: new FunctionCatalogue({ acl: new URL(".", import.meta.url) }),
      base: folder,
      report: (report) => void reports.push(report),
      failed: (_, error) => assert.fail(String(error)),
    });
    return new Bench(net, folder, hook, visor, reports);
  }

  /** Gives what was loaded for it. */
  async apply(config: JsonObject): Promise<readonly string[]> {
    const netns = this.net.host("middle").namespace.name!;
    const device = (name: string) => ({ name, netns, hook: this.#hook });
    const graph = await parseGraph({
      functions: { fw: { kind: "acl", config } },
      devices: { lan1: device("lan1"), lan2: device("lan2") },
      links: ["dev:lan1 -> fw.inside", "fw.outside -> dev:lan2"],
    });
    return (await this.#visor.apply(graph)).loaded;
  }

  packetsOf(rule: number): bigint {
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, rule, true);
    const perCpu = this.#visor.running.map("fw", "ruleUsage")!.map.lookup(key)!;
    const view = new DataView(perCpu.buffer, perCpu.byteOffset, perCpu.byteLength);
    let packets = 0n;
    for (let at = 0; at < perCpu.byteLength; at += 16) packets += view.getBigUint64(at, true);
    return packets;
  }

  ping(address: string): boolean {
    return this.#runs("a", ["ping", "-c", "2", "-i", "0.2", "-W", "1", address]);
  }

  /** Whether b's answer to a connection, or to a datagram, gets through to a. */
  talks(kind: "tcp" | "udp", address: string, port: number): boolean {
    const server = this.net.host("b").spawn(process.execPath, ["-e", servers[kind], address, String(port)]);
    try {
      return this.#runs("a", [process.execPath, "-e", clients[kind], address, String(port)]);
    } finally {
      server.kill();
    }
  }

  #runs(host: string, [command, ...args]: readonly string[]): boolean {
    try {
      this.net.host(host).exec(command!, args, 8000);
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#visor.teardown();
    await this.#visor[Symbol.asyncDispose]();
    this.net.close();
    rmSync(this.#folder, { recursive: true });
  }
}

const openings: JsonObject = {
  rules: [
    { action: "log", protocol: "tcp", destinationPort: 23 },
    { action: "accept", protocol: "icmpv6", icmpType: 135, comment: "neighbour solicitation" },
    { action: "accept", protocol: "icmpv6", icmpType: 136, comment: "neighbour advertisement" },
    { action: "accept", port: "inside", destination: "@servers", destinationPort: 22 },
    { action: "accept", port: "outside", source: "@servers", sourcePort: 22 },
    { action: "drop", destinationPort: 23 },
  ],
  sets: { servers: ["192.0.2.2", "2001:db8::/64"] },
};

for (const hook of ["tcx", "xdp"]) {
  test(`passes what rules open, and nothing else (${hook})`, {
    skip: skipWithoutNetwork,
    timeout: 120_000,
  }, async () => {
    await using bench = await Bench.open(hook);
    await bench.apply(openings);
    for (const address of ["192.0.2.2", "2001:db8::2"]) {
      assert.equal(bench.talks("tcp", address, 22), true, address);
      assert.equal(bench.talks("udp", address, 22), true, address);
      assert.equal(bench.talks("tcp", address, 24), false, address);
      assert.equal(bench.talks("udp", address, 24), false, address);
      assert.equal(bench.ping(address), false, `the port's rule lets ${address} be pinged`);
    }
    assert.ok(bench.packetsOf(3) > 0n);
    assert.equal(bench.packetsOf(5), 0n);
    assert.equal(bench.talks("tcp", "192.0.2.2", 23), false);
    assert.ok(bench.packetsOf(5) > 0n);
    assert.equal(bench.packetsOf(0), bench.packetsOf(5));
    for (let tries = 0; tries < 50 && bench.reports.length === 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const { event } = bench.reports.at(-1) ?? {};
    assert.deepEqual([event?.kind, event?.["rule"], event?.["port"]], ["logged", 0, "inside"]);
    assert.match(String(event?.["packet"]), /^[0-9a-f]{24}0800/);
  });

  test(`one rule of many changes without another program (${hook})`, {
    skip: skipWithoutNetwork,
    timeout: 120_000,
  }, async () => {
    await using bench = await Bench.open(hook);
    const pinged = (action: string): JsonObject => ({
      rules: [
        ...Array.from({ length: 500 }, (_, index) => ({
          action: "drop",
          source: `10.${index >> 8}.${index & 255}.0/24`,
          destination: "192.0.2.0/24",
        })),
        { action, source: "192.0.2.0/24", protocol: "icmp" },
      ],
    });
    assert.deepEqual(await bench.apply(pinged("drop")), [`${hook}:fw`]);
    assert.equal(bench.ping("192.0.2.2"), false);
    for (const action of ["accept", "drop", "accept"]) {
      assert.deepEqual(await bench.apply(pinged(action)), []);
      assert.equal(bench.ping("192.0.2.2"), action === "accept");
    }
    assert.ok(bench.packetsOf(500) > 0n);
  });
}
