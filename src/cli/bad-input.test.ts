/** What is wrong with files, settings and packets is said clearly, with a code, a place and a remedy. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { assertRefused, type BadInput, iovisor } from "../../test/commands.ts";

const folder = mkdtempSync(join(tmpdir(), "iov-bad-"));
after(() => rmSync(folder, { recursive: true }));

const imports = `import {
  array, arrayMap, bytes, config, Drop, hash, onPacket, Pass, struct, u16, u32, u64, u8,
} from "iovisor/kernel";
`;

/** Kernel modules that are refused: what is wrong, the module behind its imports, and what is said of it. */
const modules: readonly (readonly [what: string, body: string, message: RegExp])[] = [
  ["syntax", "export default onPacket((packet) => { if (packet. });", /\(4,\d+\): error TS1003: /],
  ["a misspelt member", "export default onPacket((p) => p.lenght > 3 ? Pass : Drop);", /TS2551: .*'length'\?/],
  ["another type", "export default onPacket(() => 2);", /\(4,\d+\): error (TS|IOV)\d+: /],
  ["a class", "class A {}\nexport default onPacket(() => Pass);", /\(4,1\): error IOV1001: .*\[Use struct\(\)/],
  ["exceptions", "export default onPacket(() => { try { return Pass; } catch { return Drop; } });", /IOV1001/],
  ["a loop without an end", "export default onPacket(() => { while (true) {} });", /error IOV1007: .*\[.*\]/],
  [
    "a loop up to the packet's length",
    "export default onPacket((p) => { const n = p.length; let s: u32 = 0; for (let i = 0; i < n; i++) s = u32(s + i); return s > 9 ? Pass : Drop; });",
    /error IOV400\d: .*\[.*\]/,
  ],
  [
    "more than the stack",
    "const Big = struct({ a: bytes(600) });\nconst m = hash({ key: u32, value: Big, maxEntries: 4 });\nexport default onPacket((p) => { const b = Big(); b.a[3] = u8(p.length); m.set(1, b); return Pass; });",
    /error IOV4020: .*600 bytes.* 512 \[/,
  ],
  [
    "a map beyond measure",
    "export const m = arrayMap({ value: u64, maxEntries: 4000000000 });\nexport default onPacket(() => Pass);",
    /IOV3003: /,
  ],
  ["nothing exported", "const x = onPacket(() => Pass);", /error IOV3008: .*export default/],
  [
    "a module that is not there",
    'import { x } from "./none.ts";\nexport default onPacket(() => (x ? Pass : Drop));',
    /TS2307: .*none\.ts/,
  ],
  ["Node", 'import { readFileSync } from "node:fs";\nexport default onPacket(() => Pass);', /IOV1015: "node:fs"/],
];

function write(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const good = write(
  "good.ts",
  `${imports}export const settings = config({ port: u16.default(80, "port"), some: u8.between(1, 3).default(2) });
export const lengths = hash({ key: u32, value: u64, maxEntries: 8 });
export default onPacket((packet) => {
  lengths.set(packet.length, 1n);
  return packet.length > settings.port + settings.some ? Pass : Drop;
});
`,
);

test("kernel modules that are wrong are refused with line, code and remedy", { timeout: 120_000 }, async () => {
  const rows = modules.map(([what, body, message], index): BadInput => {
    return [what, ["check", write(`wrong${index}.ts`, imports + body)], 1, message];
  });
  await assertRefused([
    ...rows,
    ["an empty file", ["check", write("empty.ts", "")], 1, /IOV3008/],
    ["bytes that are no text", ["check", write("bytes.ts", Uint8Array.of(0xff, 0xfe, 0, 9, 0x80))], 1, /TS1490/],
  ]);
});

test("files that are none of ours are refused by name", { timeout: 120_000 }, async () => {
  const hir = join(folder, "good.hir.json");
  await iovisor(["build", good, "-o", hir]);
  const text = readFileSync(hir, "utf8");
  const changed = (name: string, change: (text: string) => string): string => write(`${name}.hir.json`, change(text));
  const cut = changed("cut", (all) => all.slice(0, 300));
  const other = changed("other", () => '{"a": 1}');
  const bits = changed("bits", (all) => all.replace(/"bits": *\d+/, '"bits": -7'));
  mkdirSync(join(folder, "folder.ts"));
  await assertRefused([
    [
      "HIR that is cut off",
      ["check", cut],
      1,
      /cut\.hir\.json: not a HIR file: .*JSON[\s\S]*iovisor build.*\[E_FORMAT\]/,
    ],
    ["HIR of something else", ["run", other, "--attach", "xdp:lo"], 1, /other\.hir\.json: not a HIR file: version/],
    ["HIR with a wrong member", ["dump", bits], 1, /bits\.hir\.json: not a HIR file: .*bits: expected one of/],
    ["a file that is not there", ["check", join(folder, "none.ts")], 2, /none\.ts does not exist\n {2}.*\[E_USAGE\]/],
    ["a folder", ["check", join(folder, "folder.ts")], 2, /folder\.ts is not a file/],
    ["a file of another kind", ["check", "/etc/passwd"], 2, /\/etc\/passwd is no kernel module\n {2}give a \.ts file/],
    ["one that is not there among others", ["check", cut, join(folder, "none.ts")], 1, /E_FORMAT[\s\S]*E_USAGE/],
    ["no capture", ["explain", good, "--packet", good], 1, /good\.ts: not a capture file: .*\n.*\[E_FORMAT\]/],
    ["an output in no folder", ["build", good, "-o", join(folder, "no/x.o")], 2, /x\.o cannot be written: ENOENT/],
    [
      "a hook that is none",
      ["build", good, "-o", join(folder, "x.o"), "--hook", "xpd"],
      2,
      /no hook "xpd"\n {2}hooks: /,
    ],
  ]);
});

test("settings and packets that do not fit are refused with what would", { timeout: 120_000 }, async () => {
  const setting = (given: string, code: 1 | 2, message: RegExp): BadInput => {
    return [given, ["run", good, "--attach", "xdp:lo", "--for", "0.1", "--set", given], code, message];
  };
  const packet = (text: string, message: RegExp): BadInput => [text, ["explain", good, "--packet", text], 2, message];
  await assertRefused([
    setting("port=65536", 1, /setting port: expected a whole number \(u16\) from 0 to 65535, got "65536"\n.*E_SETTING/),
    setting("port=1.5", 1, /got "1\.5"/),
    setting("port=", 1, /got ""/),
    setting("some=4", 1, /from 1 to 3, got "4"/),
    setting("none=4", 1, /no such setting; there is port, some/),
    setting("port", 2, /"port" is not a setting\n {2}write it as --set NAME=VALUE \[E_USAGE\]/),
    setting("port=@none.json", 2, /none\.json cannot be read/),
    packet("", /column 1: expected a layer/),
    packet("eth / ip 300.1.1.1 > 1.1.1.1", /column 10: expected an IPv4 address.*\n.*\n +\^\n/),
    packet("eth / ip / tcp 65536 > 1", /column \d+: expected a source port, 0\.\.65535/),
    packet("eth / ip / payload 99999999", /column 20: expected a length/),
    packet("none.pcap", /none\.pcap does not exist/),
  ]);
});
