import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import { FunctionCatalogue } from "../catalogue/functions.ts";
import { loadGraph } from "../graph/parse.ts";
import { MemoryStore } from "../store/memory.ts";
import { Visor } from "./visor.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/functions.md"), "utf8");

/** Writes the page's files: blocks whose first line is a comment with a path. */
function writeFiles(folder: string): void {
  for (const [, text = ""] of page.matchAll(/^```\w+\n(.*?)^```$/gms)) {
    const [, path] = /^(?:\/\/|#) (\S+)\n/.exec(text) ?? [];
    assert.ok(path, `a block without its file's name: ${text.slice(0, 40)}`);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

test("the function of docs/functions.md works as the page says", {
  skip: skipWithoutNetwork,
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "iovisor-page-"));
  using cleanup = new DisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  writeFiles(folder);
  using net = testNetwork({
    wires: [
      [
        { host: "a", device: "eth0" },
        { host: "middle", device: "lan0" },
      ],
      [
        { host: "b", device: "eth0" },
        { host: "middle", device: "wan0" },
      ],
    ],
  });
  const netns = net.host("middle").namespace.name!;
  const graph = await loadGraph(join(folder, "net.yaml"));
  const placed = {
    ...graph,
    devices: Object.fromEntries(["lan0", "wan0"].map((name) => [name, { name, netns, hook: "auto" as const }])),
  };
  await using store = new MemoryStore();
  const name = `iovtest${process.pid}page`;
  await using visor = await Visor.open({ name, store, functions: new FunctionCatalogue({}), base: folder });
  try {
    await visor.apply(placed);
    using a = new PacketSocket("eth0", net.host("a").namespace);
    using b = new PacketSocket("eth0", net.host("b").namespace);
    const probe = async (source: string) => {
      a.send(buildPacket(`eth / ip ${source} > 192.0.2.2 / udp 1 > 2 / payload 18`));
      return (await b.next(2000))?.data;
    };
    const marked = await probe("192.0.2.1");
    assert.equal(marked![15]! >> 2, 10);
    assert.equal(checksum(marked!.subarray(14, 34)), 0);
    assert.equal((await probe("192.0.2.66"))![15]! >> 2, 0);
    b.send(buildPacket("eth / ip 192.0.2.2 > 192.0.2.1 / udp 1 > 2 / payload 18"));
    assert.equal((await a.next(2000))!.data[15]! >> 2, 0);
  } finally {
    await visor.teardown();
  }
});

/** RFC 1071: 0 over a header whose checksum is right. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) sum += (bytes[index]! << 8) | bytes[index + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
