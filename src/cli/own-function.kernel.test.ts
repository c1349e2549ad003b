/** A user's own function from the first file to packets, by docs/functions.md alone: as a folder, and as a package. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Machine } from "../../test/graph-machine.ts";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { buildPacket } from "../capture/packet.ts";
import { PacketSocket } from "../kernel/packet-socket.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };
const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/functions.md"), "utf8");

/** The page's files: blocks whose first line is a comment with a path, and the package's description. */
function writePage(folder: string): void {
  for (const [, language, text = ""] of page.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    const path = language === "json" ? "dscp-marker/package.json" : /^(?:\/\/|#) (\S+)\n/.exec(text)?.[1];
    assert.ok(path, `a block without its file's name: ${text.slice(0, 40)}`);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** The page's graph, on the devices of the test's network. */
function writeGraph(machine: Machine, folder: string, kind: string): string {
  const netns = machine.net.host("middle").namespace.name;
  const text = readFileSync(join(machine.folder.path, "functions/net.yaml"), "utf8").replace("./dscp-marker", kind);
  const devices = `devices: { lan0: { name: lan1, netns: ${netns} }, wan0: { name: lan2, netns: ${netns} } }\n`;
  writeFileSync(join(folder, "net.yaml"), text + devices);
  return join(folder, "net.yaml");
}

interface Seen {
  readonly dscp: number;
  readonly ecn: number;
}

/** Sends a packet to the inside and looks at what comes out: the DSCP, with a header whose checksum is right. */
async function through({ net }: Machine, packet: string): Promise<Seen> {
  using inside = new PacketSocket("eth0", net.host("a").namespace);
  using outside = new PacketSocket("eth0", net.host("b").namespace);
  inside.send(buildPacket(packet));
  const frame = (await outside.next(2000))?.data;
  assert.ok(frame, `${packet} does not arrive`);
  const isIpv6 = frame[14]! >> 4 === 6;
  if (!isIpv6) assert.equal(checksum(frame.subarray(14, 14 + (frame[14]! & 15) * 4)), 0, packet);
  const traffic = isIpv6 ? ((frame[14]! & 15) << 4) | (frame[15]! >> 4) : frame[15]!;
  return { dscp: traffic >> 2, ecn: traffic & 3 };
}

/** RFC 1071: 0 over a header whose checksum is right. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) sum += (bytes[index]! << 8) | bytes[index + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

const udp = (source: string, destination: string, port: number): string =>
  `eth / ip ${source} > ${destination} / udp 1 > ${port} / payload 18`;

async function marksAsThePageSays(machine: Machine): Promise<void> {
  const dscpOf = async (packet: string): Promise<number> => (await through(machine, packet)).dscp;
  assert.equal(await dscpOf(udp("192.0.2.1", "192.0.2.2", 7)), 10);
  assert.equal(await dscpOf(udp("192.0.2.1", "198.51.100.9", 5060)), 46);
  assert.equal(await dscpOf(udp("192.0.2.1", "198.51.100.9", 5062)), 10);
  assert.equal(await dscpOf(udp("192.0.2.66", "198.51.100.9", 5060)), 0, "a station that is exempt");
  assert.equal(await dscpOf("eth / ip6 2001:db8::1 > 2001:db8::2 / udp 1 > 2 / payload 18"), 10);
}

/** What the command prints once it matches: events come a little later than packets. */
async function eventually(machine: Machine, wanted: RegExp, ...args: readonly string[]): Promise<void> {
  for (let left = 40; ; left--) {
    const out = await machine.ok(...args);
    if (wanted.test(out)) return;
    assert.ok(left > 0, `${wanted} is not in ${out}`);
    await sleep(100);
  }
}

test("a function in a folder: checked, applied, watched, changed live, its host side too", options, async () => {
  await using machine = new Machine();
  const functions = join(machine.folder.path, "functions");
  writePage(functions);
  assert.match(
    await machine.ok("check", join(functions, "dscp-marker/kernel.ts")),
    /^ok[\s\S]* dscp +u8, 0\.\.63 +46 /m,
  );
  await machine.start("--teardown");
  const graph = writeGraph(machine, functions, "./dscp-marker");
  assert.match(await machine.ok("plan", "-f", graph), /^load pipeline tcx:mark \(mark\)$/m);
  await machine.ok("apply", "-f", graph);
  await marksAsThePageSays(machine);

  assert.equal(await machine.ok("table", "mark", "senders"), "address    packets\n192.0.2.1        3\n");
  await eventually(machine, /report mark kind=newSender source=192\.0\.2\.1 dscp=10$/m, "events");
  await machine.ok("table", "mark", "senders", "delete", "192.0.2.1");
  assert.equal(await machine.ok("table", "mark", "senders"), "no entries\n");
  const unwanted = await machine.run("table", "mark", "senders", "add", "192.0.2.9=1");
  assert.match(unwanted.err, /table "senders" takes no entries/);
  const filled = await machine.run("table", "mark", "exempt", "flush");
  assert.match(filled.err, /follows from the configuration/);

  await machine.ok("edit", "instance", "mark", "dscp=12", 'rules=[{"destination":"0.0.0.0/0","port":80,"dscp":3}]');
  assert.equal((await through(machine, udp("192.0.2.1", "192.0.2.2", 80))).dscp, 3);
  assert.equal((await through(machine, udp("192.0.2.1", "192.0.2.2", 81))).dscp, 12);
  const wrong = await machine.run("edit", "instance", "mark", "dscp=64");
  assert.match(wrong.err, /functions\.mark\.config\.dscp: .*64[\s\S]*\[E_GRAPH\]/);
  assert.equal((await through(machine, udp("192.0.2.1", "192.0.2.2", 81))).dscp, 12);
  const described = await machine.ok("describe", "function", "./functions/dscp-marker");
  assert.match(described, /^tooShort +the packet ends within its IP header$/m);
});

test("a module that the host side imports is part of it: what changes in it is taken up", options, async () => {
  await using machine = new Machine();
  const functions = join(machine.folder.path, "functions");
  writePage(functions);
  const host = join(functions, "dscp-marker/host.ts");
  const helper = join(functions, "dscp-marker/text.host.ts");
  const [first, ...rest] = readFileSync(host, "utf8").split(/(?=^const text = )/m);
  writeFileSync(
    host,
    `import { text } from "./text.host.ts";\n${first}${rest.join("").replace(/^const text.*\n/, "")}`,
  );
  const address = (separator: string): string =>
    `export const text = (a: number): string => [24, 16, 8, 0].map((n) => (a >>> n) & 255).join("${separator}");\n`;
  writeFileSync(helper, address("."));
  await machine.start("--teardown");
  const graph = writeGraph(machine, functions, "./dscp-marker");
  await machine.ok("apply", "-f", graph);
  await through(machine, udp("192.0.2.1", "192.0.2.2", 7));
  assert.match(await machine.ok("table", "mark", "senders"), /^192\.0\.2\.1 /m);
  assert.match(await machine.ok("apply", "-f", graph), /nothing to change/);
  writeFileSync(helper, address("-"));
  assert.match(await machine.ok("plan", "-f", graph), /^restart host side of mark$/m);
  await machine.ok("apply", "-f", graph);
  assert.match(await machine.ok("table", "mark", "senders"), /^192-0-2-1 +1$/m, "and its tables are what they were");

  appendFileSync(helper, "export const broken = ;\n");
  const refused = await machine.run("apply", "-f", graph);
  assert.match(refused.err, /host\.ts: cannot be loaded: .*Expression expected[\s\S]*\[E_HOST_SIDE\]/);
  assert.equal((await through(machine, udp("192.0.2.1", "192.0.2.2", 7))).dscp, 10);
});

test("the same function as an npm package of the user's project", options, async () => {
  await using machine = new Machine();
  const { path } = machine.folder;
  writePage(join(path, "functions"));
  const source = join(path, "functions/dscp-marker");
  // What a package exports to programs says nothing of it as a function.
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  writeFileSync(join(source, "package.json"), JSON.stringify({ ...manifest, exports: { ".": "./host.ts" } }));
  const project = join(path, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true }\n');
  const npm = (cwd: string, ...args: readonly string[]): string =>
    execFileSync("npm", [...args, "--offline", "--no-audit", "--no-fund"], { cwd, encoding: "utf8", stdio: "pipe" });
  npm(source, "pack");
  const packed = readdirSync(source).find((name) => name.endsWith(".tgz"))!;
  npm(project, "install", join(source, packed));

  await machine.start("--teardown");
  machine.cwd = project;
  await machine.ok("apply", "-f", writeGraph(machine, project, "dscp-marker"));
  await marksAsThePageSays(machine);
  assert.equal(await machine.ok("table", "mark", "senders"), "address    packets\n192.0.2.1        3\n");
  assert.match(await machine.ok("describe", "function", "dscp-marker"), /^title +DSCP marker$/m);
});

test("an editor's set-up checks kernel code and host code of the folder, each against its own", {
  timeout: 120_000,
}, async () => {
  await using machine = new Machine();
  const functions = join(machine.folder.path, "functions");
  writePage(functions);
  await machine.ok("types", functions);
  const tsc = (): { readonly code: number | null; readonly out: string } => {
    const args = [join(root, "node_modules/typescript/bin/tsc"), "-b", functions];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: functions, encoding: "utf8" });
    return { code: status, out: stdout };
  };
  assert.deepEqual(tsc(), { code: 0, out: "" });
  appendFileSync(join(functions, "dscp-marker/kernel.ts"), "export const late = process.pid;\n");
  appendFileSync(join(functions, "dscp-marker/host.ts"), "const port: number = process.title;\ndocument.title;\n");
  const { out } = tsc();
  assert.match(out, /kernel\.ts\(\d+,\d+\): error TS\d+: Cannot find name 'process'/);
  assert.match(out, /host\.ts\(\d+,\d+\): error TS2322: Type 'string' is not assignable to type 'number'/);
  assert.match(out, /host\.ts\(\d+,\d+\): error TS\d+: Cannot find name 'document'/);
  assert.equal(out.trim().split("\n").length, 3);
});
