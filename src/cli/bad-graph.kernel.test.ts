/** Graphs, requests and starts of daemons that are wrong are refused clearly, and leave what runs as it was. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertRefused, type BadInput, iovisor } from "../../test/commands.ts";
import { Machine } from "../../test/graph-machine.ts";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { buildPacket } from "../capture/packet.ts";
import { PacketSocket } from "../kernel/packet-socket.ts";

const options = { skip: skipWithoutNetwork, timeout: 240_000 };

/** A daemon with a graph at work, and what must be the same afterwards. */
async function atWork(): Promise<Machine> {
  const machine = new Machine();
  await machine.start("--teardown");
  machine.writeGraph(5);
  await machine.ok("apply", "-f", machine.graphFile);
  return machine;
}

async function stateOf(machine: Machine): Promise<object> {
  const graph = await machine.ok("get", "graph", "-o", "json");
  const netns = machine.net.host("middle").namespace.name;
  const all = JSON.parse(await machine.ok("get", "devices", "-o", "json")).devices;
  const devices = all.filter((device: { readonly netns?: string }) => device.netns === netns);
  const pins = readdirSync(`/sys/fs/bpf/iovisor/${machine.name}`, { recursive: true }).sort();
  return { graph, devices, pins, dscp: await dscpThrough(machine) };
}

async function dscpThrough({ net }: Machine): Promise<number | undefined> {
  using a = new PacketSocket("eth0", net.host("a").namespace);
  using b = new PacketSocket("eth0", net.host("b").namespace);
  a.send(buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18"));
  const received = await b.next(1000);
  return received && received.data[15]! >> 2;
}

/** Rows that must fail against a daemon at work. */
async function refusedAtWork(
  make: (machine: Machine, file: (name: string, text: string | Uint8Array) => string) => readonly BadInput[],
) {
  await using machine = await atWork();
  const before = await stateOf(machine);
  const file = (name: string, text: string | Uint8Array): string => {
    writeFileSync(join(machine.folder.path, name), text);
    return name;
  };
  const circumstances = { cwd: machine.folder.path, env: { IOVISOR_SOCKET: machine.socket } };
  await assertRefused(make(machine, file), circumstances);
  assert.deepEqual(await stateOf(machine), before);
}

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

test("texts that are no graphs are refused with line and column", options, async () => {
  await refusedAtWork((_, file) => {
    const row = (what: string, name: string, text: string | Uint8Array, message: RegExp, code: 1 | 2 = 1): BadInput => {
      return [what, ["apply", "-f", file(name, text)], code, message];
    };
    const functions = (text: string): string => `functions:\n  ${text}\n`;
    return [
      row(
        "JSON that ends early",
        "a.json",
        '{"functions": {"m": {"kind": "acl"}',
        /a\.json:1:36: not JSON: .*\[E_GRAPH\]/s,
      ),
      row("a list", "b.json", "[]", /b\.json:1:1: expected an object, got \[\]/),
      row("nothing", "c.yaml", "", /c\.yaml:1:1: expected an object/),
      row("a tab", "d.yaml", "functions:\n\tm: 1", /d\.yaml:2:1: not YAML that a graph can use: tabs/),
      row(
        "a key twice",
        "e.yaml",
        "functions:\n  m: {kind: acl}\n  m: {kind: acl}",
        /e\.yaml:3:3: the key 'm' stands twice/,
      ),
      row(
        "JSON too deep",
        "f.json",
        `{"functions":${nested("[", "]", 100_000)}}`,
        /f\.json:1:\d+: functions: expected an object/,
      ),
      row("YAML too deep", "g.yaml", `functions: ${nested("[", "]", 20_000)}`, /g\.yaml:1:\d+: .*nested too deeply/),
      row("aliases that multiply", "h.yaml", bomb(), /h\.yaml:1:1: .*alias/),
      row("other than UTF-8", "i.yaml", Uint8Array.of(0x61, 0x3a, 0xff, 0xfe), /i\.yaml: it is no text in UTF-8/, 2),
      row(
        "a module with bad syntax",
        "j.ts",
        "export default {\n  functions: ;\n};",
        /j\.ts:2: Expression expected/,
        2,
      ),
      row("a module that throws", "k.ts", 'const x = 1;\nthrow new Error("boom");', /k\.ts:2:7: boom/, 2),
      row("a module without a graph", "l.ts", "export const x = 1;", /l\.ts: the default export is no object/, 2),
      row("another ending", "m.txt", "x", /m\.txt: a graph is a \.json, \.yaml or \.ts file/, 2),
      row(
        "a name",
        "n.yaml",
        functions('"1a": {kind: acl}'),
        /n\.yaml:2:3: functions\["1a"\]: '1a' is no name: a letter/,
      ),
      row("keys", "o.yaml", functions("m: {kind: acl, bogus: 1}"), /o\.yaml:2:18: functions\.m\.bogus: no such key/),
      row("a kind", "p.yaml", functions("m: {kind: 7}"), /p\.yaml:2:13: functions\.m\.kind: expected a text/),
      row("a file that is not there", "q.yaml", "", /q\.yaml/),
    ];
  });
});

/** YAML whose aliases stand for 10^9 texts. */
function bomb(): string {
  const names = [..."abcdefghi"];
  return names
    .map((name, index) => `${name}: &${name} [${Array(10).fill(index ? `*${names[index - 1]}` : "x")}]`)
    .join("\n");
}

test("graphs that cannot be are refused with their places, also where the daemon finds it", options, async () => {
  await refusedAtWork((machine, file) => {
    let count = 0;
    const row = (what: string, text: string, message: RegExp): BadInput => {
      return [what, ["apply", "-f", file(`graph${count++}.yaml`, text)], 1, message];
    };
    const netns = machine.net.host("middle").namespace.name;
    const router = (ports: string): string => `functions:\n  r: { kind: router, ports: { ${ports} } }\n`;
    const sw = (ports: string): string => `functions:\n  s: { kind: switch, ports: { ${ports} } }\n`;
    const links = (text: string): string => `${sw("x: {}, y: {}")}links: [${text}]\n`;
    return [
      row(
        "no such function",
        "functions:\n  m: { kind: nothing }\n",
        /yaml:2:14: functions\.m\.kind: .*'nothing'.*none of acl, router, switch/,
      ),
      row("no such folder", "functions:\n  m: { kind: ./none }\n", /functions\.m\.kind: .*\/none is not there/),
      row("a folder without a function", "functions:\n  m: { kind: . }\n", /functions\.m\.kind: .* has no kernel\.ts/),
      row(
        "an address out of range",
        router("x: { addresses: [10.0.0.300/24] }"),
        /yaml:2:\d+: functions\.r\.ports\.x\.addresses\[0\]: "10\.0\.0\.300\/24"/,
      ),
      row(
        "an address twice",
        router("x: { addresses: [10.0.0.1/24] }, y: { addresses: [10.0.0.1/16] }"),
        /y\.addresses\[0\]: 10\.0\.0\.1 is an address of port 'x' already/,
      ),
      row(
        "VLANs out of range",
        sw("x: { vlan: 0 }, y: { vlan: 4095 }"),
        /2:\d+: functions\.s\.ports\.x\.vlan: must be >= 1, got 0\n.*y\.vlan: must be <= 4094/,
      ),
      row(
        "a native VLAN outside",
        sw('x: { mode: trunk, allowed: "1-10", native: 20 }'),
        /functions\.s\.ports\.x\.native: /,
      ),
      row("ranges of VLANs", sw('x: { mode: trunk, allowed: "10-5" }'), /functions\.s\.ports\.x\.allowed: /),
      row("no such port", links("dev:a -> s.z"), /yaml:3:9: links\[0\]: port 'z' does not exist on 's': it has x, y/),
      row("no such instance", links("t.x -> s.x"), /yaml:3:9: links\[0\]: there is no function 't': there is s/),
      row("a port twice", links("dev:a -> s.x, dev:b -> s.x"), /links\[1\]: 's\.x' is linked already, by links\[0\]/),
      row("a device twice", links("dev:a -> s.x, dev:a -> s.y"), /links\[1\]: 'dev:a' is linked already/),
      row("no function", links("dev:a -> dev:b"), /links\[0\]: no function is at either end/),
      row("to itself", links("s.x -> s.x"), /links\[0\]: 's\.x' is linked to itself/),
      row("no link", links("garbage"), /links\[0\]: 'garbage' is no link/),
      row(
        "a device by two names",
        `${links("dev:a -> s.x, dev:b -> s.y")}devices: { a: { name: lan1, netns: ${netns} }, b: { name: lan1, netns: ${netns} } }`,
        /devices\.b: 'b' means the device lan1/,
      ),
      row(
        "a device's name",
        `${links("dev:a -> s.x")}devices: { a: { name: much-too-long-name } }`,
        /longer than the kernel's 15 bytes/,
      ),
      row(
        "too many ports",
        sw(Array.from({ length: 65 }, (_, n) => `p${n}: {}`).join(", ")),
        /65 ports are more than the 64/,
      ),
    ];
  });
});

test("the file's form, its functions, what these say, and its links are told of at once", options, async () => {
  await refusedAtWork((_, file) => {
    const text = `functions:
  r: { kind: router, ports: { x: { addresses: [10.0.0.1/24] }, y: { addresses: [10.0.0.2/24] } } }
  s: { kind: switch, bogus: 1,
    ports: { x: { vlan: 9999 } } }
  m: { kind: ./none }
links: [dev:a -> s.x, garbage, dev:b -> s.z]
`;
    const lines = [
      /the graph has 6 errors\n/,
      /\S+:2:\d+: functions\.r\.ports\.y\.addresses\[0\]: 10\.0\.0\.0\/24 is the network of port 'x' already.*\n/,
      /\S+:3:22: functions\.s\.bogus: no such key.*\n/,
      /\S+:4:25: functions\.s\.ports\.x\.vlan: must be <= 4094.*\n/,
      /\S+:5:14: functions\.m\.kind: .* is not there\n/,
      /\S+:6:23: links\[1\]: 'garbage' is no link.*\n/,
      /\S+:6:32: links\[2\]: port 'z' does not exist on 's': it has x\n/,
    ];
    const message = new RegExp(lines.map(({ source }) => source).join(""));
    return (["apply", "plan"] as const).map((command) => {
      return [command, [command, "-f", file("all.yaml", text)], 1, message];
    });
  });
});

test("commands that name what is not there are refused with what is", options, async () => {
  await refusedAtWork((machine) => [
    [
      "an old revision",
      ["apply", "-f", machine.graphFile, "--expected", "7"],
      1,
      /at revision 1, .* revision 7\n.*\[E_CONFLICT\]/,
    ],
    ["no such revision", ["rollback", "9"], 1, /there is no revision 9\n.*get revisions.*\[E_NOT_FOUND\]/],
    [
      "a setting that is not there",
      ["edit", "instance", "m", "none=3"],
      1,
      /functions\.m\.config\.none: no such key; there is/,
    ],
    [
      "an instance that is not there",
      ["edit", "instance", "n", "mark=3"],
      1,
      /there is no function 'n'\n {2}there is m/,
    ],
    ["JSON of a setting", ["edit", "instance", "m", "mark=[{"], 2, /\[\{: .*JSON/],
    ["a name that is taken", ["create", "acl", "m"], 1, /functions\.m: is there already/],
    ["links that are not there", ["unlink", "m.none"], 1, /'m\.none' is not linked/],
    ["no such table", ["table", "m", "none"], 1, /no table "none" of "m"\n.*describe instance m/],
    ["an entry that is none", ["table", "m", "known", "add", "x"], 2, /"x" is no entry\n {2}write KEY=VALUE/],
    ["an entry of another form", ["table", "m", "known", "add", "1=2"], 2, /entries\[0\]\.key: expected an object/],
    ["an index beyond an array", ["table", "m", "seen", "add", "5=1"], 2, /its indices are 0\.\.0/],
    [
      "a port to look at",
      ["capture", "m.none", "-w", "x.pcapng"],
      2,
      /"m" has no port "none"\n {2}its ports are inside, outside/,
    ],
  ]);
});

const kernel = `import { hash, onPacket, Pass, u32, u64 } from "iovisor/kernel";
export const counts = hash({ key: u32, value: u64, maxEntries: 4 });
export default onPacket((packet) => (counts.ref(packet.length) ? Pass : Pass));
`;

/** Host sides that are wrong, by what is said of them. */
const hosts: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ["no default export", "export const x = 1;", /host\.ts: has no host side/],
  ["bad syntax", "export default {\n  title: ;\n};", /host\.ts:2: cannot be loaded: Expression expected/],
  ["one that throws", 'const x = 1;\nthrow new Error("broken");', /host\.ts:2:7: cannot be loaded: broken/],
  ["what Node cannot strip", "enum A { b }\nexport default {};", /host\.ts.*: cannot be loaded: .*enum/],
  ["an import that is not there", 'import "./none.ts";\nexport default {};', /host\.ts: cannot be loaded: .*none\.ts/],
  ["a title that is no text", "export default { title: 5 };", /title: expected a text/],
  [
    "a schema that is none",
    'export default { configSchema: { type: "nonsense" } };',
    /configSchema is no JSON Schema: /,
  ],
  [
    "a check that throws",
    'export default { check() { throw new Error("oh"); } };',
    /host\.ts:1:34: check for "m" failed: oh/,
  ],
  [
    "tables of maps that are not there",
    "export default { tables: () => ({ none: [[1, 2n]] }) };",
    /tables for "m" names "none"/,
  ],
  [
    "contents of another type",
    'export default { tables: () => ({ counts: [[1, "x"]] }) };',
    /counts: value: expected an integer/,
  ],
  [
    "more contents than room",
    "export default { tables: () => ({ counts: [1, 2, 3, 4, 5].map((n) => [n, 1n]) }) };",
    /counts/,
  ],
];

test("functions of a user's own that are wrong are refused with file and line", options, async () => {
  await refusedAtWork(({ folder: { path } }, file) => {
    const graph = (name: string): string => file(`${name}.yaml`, `functions:\n  m: { kind: ./${name} }\n`);
    const add = (name: string, kernelText: string, host?: string): string => {
      mkdirSync(join(path, name));
      file(`${name}/kernel.ts`, kernelText);
      if (host !== undefined) file(`${name}/host.ts`, host);
      return graph(name);
    };
    const rows = hosts.map(([what, text, message], index): BadInput => {
      return [what, ["apply", "-f", add(`host${index}`, kernel, text)], 1, message];
    });
    return [
      ...rows,
      [
        "kernel code",
        ["apply", "-f", add("bad", "export default 5 +;")],
        1,
        /bad\/kernel\.ts\(1,\d+\): error TS1109[\s\S]*E_DIAGNOSTICS/,
      ],
      [
        "a kernel module without a program",
        ["plan", "-f", add("none", "export const x = 1;")],
        1,
        /none\/kernel\.ts\(1,1\): error IOV3008/,
      ],
    ];
  });
});

test("daemons that cannot start say why, and leave the one at work alone", options, async () => {
  await using machine = await atWork();
  const before = await stateOf(machine);
  const { path } = machine.folder;
  const damaged = join(path, "damaged", `${machine.name}x.db`);
  mkdirSync(join(path, "damaged"));
  writeFileSync(damaged, "garbage");
  let count = 0;
  const start = (what: string, args: Readonly<Record<string, string>>, code: 1 | 2, message: RegExp): BadInput => {
    const name = `${machine.name}x${count++}`;
    const given = { name, state: join(path, "other"), socket: join(path, name), ...args };
    return [what, ["daemon", ...Object.entries(given).flatMap(([key, value]) => [`--${key}`, value])], code, message];
  };
  const state = join(path, "state");
  await assertRefused([
    start(
      "the name of another",
      { name: machine.name },
      1,
      /another daemon works on the data path.*\n.*--name.*\[E_BUSY\]/,
    ),
    start("the socket of another", { socket: machine.socket }, 1, /another process listens on .*\[E_BUSY\]/s),
    start("no name", { name: "a/b" }, 2, /"a\/b" is no name/),
    start("a state that is a file", { state: machine.graphFile }, 2, /net\.yaml cannot be used: EEXIST.*\n.*--state/),
    start("a state that cannot be made", { state: "/proc/none/state" }, 2, /cannot be used: ENOENT/),
    start(
      "a damaged store",
      { name: `${machine.name}x`, state: join(path, "damaged") },
      1,
      /damaged.*\.db: it is damaged[\s\S]*\[E_STORE\]/,
    ),
    start("a socket that is a file", { socket: machine.graphFile }, 1, /net\.yaml is no socket/),
    start(
      "a socket with a long path",
      { socket: join(path, "x".repeat(120)) },
      2,
      /path of the socket has \d+ bytes, 107 are/,
    ),
    start("a socket in no folder", { socket: join(machine.graphFile, "s") }, 2, /socket|ENOTDIR/),
    start("no group", { group: "no-such-group" }, 2, /no group "no-such-group"/),
  ]);
  assert.equal(readFileSync(damaged, "utf8"), "garbage");
  const unseen = await iovisor(["daemon", "--name", machine.name, "--state", state, "--socket", join(path, "o.sock")], {
    as: ["unshare", "--mount", "sh", "-c", 'umount -l /sys/fs/bpf; exec "$@"', "sh"],
  });
  assert.match(unseen.err, /another daemon works on the store .*\.db\n.*\[E_BUSY\]/, unseen.out);
  assert.equal(unseen.code, 1);
  assert.deepEqual(await stateOf(machine), before);
});
