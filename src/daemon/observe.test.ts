import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../test/network/network.ts";
import { buildPacket } from "../capture/packet.ts";
import { readCapture } from "../capture/read-capture.ts";
import { PacketSocket } from "../kernel/packet-socket.ts";
import { type Answer, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };
const iovisor = new URL("../../iovisor", import.meta.url).pathname;
const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18");

async function marked(): Promise<AsyncDisposableStack & { daemon: TestDaemon; folder: TestFolder; a: PacketSocket }> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(new TestFolder());
  const end = (host: string, device: string) =>
    [
      { host, device: "eth0" },
      { host: "middle", device },
    ] as const;
  const net = stack.adopt(testNetwork({ wires: [end("a", "lan1"), end("b", "lan2")] }), (made) => made.close());
  const daemon = stack.use(await TestDaemon.start(folder));
  const netns = net.host("middle").namespace.name!;
  const body = {
    functions: { m: { kind: folder.marker, config: { mark: 3 } } },
    devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
    links: ["dev:lan1 -> m.inside", "m.outside -> dev:lan2"],
  };
  assert.equal((await daemon.request("PUT", "/v1/graph", { body })).status, 200);
  const a = stack.use(new PacketSocket("eth0", net.host("a").namespace));
  return Object.assign(stack, { daemon, folder, a });
}

/** Lengths of the programs, in one text. */
function instructions({ body }: Answer): string {
  const pipelines = body.pipelines as readonly { readonly program: { readonly instructions: number } }[];
  return pipelines.map(({ program }) => program.instructions).join(" ");
}

/** A command, with packets sent until it ends. */
async function whileSending(a: PacketSocket, args: readonly string[], isEnough = () => false) {
  const child = spawn(iovisor, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const sending = setInterval(() => {
    if (isEnough()) child.kill("SIGINT");
    a.send(frame);
    a.send(buildPacket("eth type 0x88b5 / payload 46"));
  }, 50);
  const [code] = await once(child, "close");
  clearInterval(sending);
  return { code: code as number, output, errors };
}

test("iovisor capture writes what passes a port, and leaves the programs as they were", options, async () => {
  await using bench = await marked();
  const { daemon, folder, a } = bench;
  const before = await daemon.get("/v1/pipelines");
  const file = join(folder.path, "m.pcapng");
  const args = ["capture", "dev:lan1", "-w", file, "--count", "4", "--snap", "100", "--socket", daemon.socket];
  assert.deepEqual(await whileSending(a, args), { code: 0, output: "", errors: "" });
  const packets = readCapture(readFileSync(file));
  assert.equal(packets.length, 4);
  assert.deepEqual([...new Set(packets.map(({ comment }) => comment))].toSorted(), [
    "dropped: notIpv4 (it is no IPv4 packet)",
    "forwarded to outside",
  ]);
  assert.deepEqual([...new Set(packets.map((packet) => packet.interface))], ["m.inside"]);
  const drops = ["capture", "m", "-w", file, "--direction", "dropped", "--for", "1", "--socket", daemon.socket];
  assert.deepEqual(await whileSending(a, drops), { code: 0, output: "", errors: "" });
  const dropped = readCapture(readFileSync(file));
  assert.ok(dropped.length > 0 && dropped.every(({ comment }) => comment?.startsWith("dropped")));
  assert.equal(instructions(await daemon.get("/v1/pipelines")), instructions(before));
  assert.equal((await daemon.get("/v1/revisions")).body.revisions.length, 1);
});

test("a capture that Ctrl-C ends is a whole file, and ends in the daemon", options, async () => {
  await using bench = await marked();
  const { daemon, folder, a } = bench;
  const file = join(folder.path, "m.pcapng");
  const before = await daemon.get("/v1/pipelines");
  const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const args = ["capture", "m", "-w", file, "--socket", daemon.socket];
  assert.equal((await whileSending(a, args, () => size() > 2000)).code, 130);
  assert.ok(readCapture(readFileSync(file)).length > 5);
  for (let tries = 0; tries < 100; tries++) {
    const now = await daemon.get("/v1/pipelines");
    if (instructions(now) === instructions(before)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail("the capture goes on");
});

test("iovisor trace shows the ways of packets", options, async () => {
  await using bench = await marked();
  const { daemon, a } = bench;
  const args = ["trace", "--match", "ip 192.0.2.1 udp 2", "--count", "1", "--socket", daemon.socket];
  const { output, errors, code } = await whileSending(a, args);
  assert.deepEqual([code, errors], [0, ""]);
  assert.match(output, /60 bytes: eth .*\n└─ m\.inside: forwarded to outside {2}\+[\d.]+ us\n {5}eth .* tos 0x0c /);
  const json = await whileSending(a, [...args, "-o", "json"]);
  assert.equal(JSON.parse(json.output).steps[0].outcome.port, "outside");
});

test("what cannot be observed is refused with the reason", options, async () => {
  await using bench = await marked();
  const { daemon } = bench;
  const refused = async (path: string) => (await daemon.get(path)).body.detail as string;
  assert.match(await refused("/v1/capture?ports=m.nowhere"), /"m" has no port "nowhere"/);
  assert.match(await refused("/v1/capture?ports=dev:lan9"), /nothing is linked to "dev:lan9"/);
  assert.match(await refused("/v1/trace?filter=tcp%20udp"), /no packet can be all of it/);
  assert.equal((await daemon.get("/v1/capture?ports=m&snap=0")).status, 400);
});
