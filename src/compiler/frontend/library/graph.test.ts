import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkModule } from "../../check/index.ts";
import { messages } from "../../diagnostics.ts";
import { type InterpretInput, interpret, printModule, readModule, writeModule } from "../../hir/index.ts";
import { compileClean, compileText, expectDiagnostics } from "../testing.ts";

const imports = `import {
  be16, bool, config, Drop, drop, dropReasons, dynamicPorts, fixedPorts, flood, forward, i32, metadata, onPacket, Pass,
  punt, puntReasons, struct, toHost, u16, u32, u64, u8,
} from "iovisor/kernel";
`;

const handler = (body: string, declarations = ""): string =>
  `${imports}${declarations}\nexport default onPacket((packet) => {\n${body}\n});\n`;

const declared = `export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ tooShort: "the frame ends within a header", denied: "a rule forbids it" });
export const causes = puntReasons({ unknown: "the neighbour is not known", log: "a packet to be logged" });
const zone = metadata("zone", u16);
const stamp = metadata("stamp", u64);
const seen = metadata("seen", bool);`;

function run(body: string, input: Partial<InterpretInput> = {}, declarations = declared) {
  const module = compileClean(handler(body, declarations));
  return interpret(module.programs[0]!, module, { hook: "xdp", packet: new Uint8Array(64), ...input });
}

/** The codes and messages of the flow checker. */
function findings(body: string, declarations = declared): string[] {
  const { module, diagnostics } = compileText(handler(body, declarations));
  assert.deepEqual(diagnostics, []);
  return checkModule(module!).findings.map(({ code, message }) => `${code}: ${message}`);
}

describe("functions of a graph", () => {
  it("declare ports, reasons and metadata in the module's interface", () => {
    const module = compileClean(handler("return Pass;", declared));
    assert.deepEqual(module.interface, {
      ports: { kind: "fixed", names: ["inside", "outside"] },
      dropReasons: [
        { name: "tooShort", description: "the frame ends within a header" },
        { name: "denied", description: "a rule forbids it" },
      ],
      puntReasons: [
        { name: "unknown", description: "the neighbour is not known" },
        { name: "log", description: "a packet to be logged" },
      ],
      metadata: [
        { name: "zone", width: "u16" },
        { name: "stamp", width: "u64" },
        { name: "seen", width: "bool" },
      ],
    });
    assert.deepEqual(readModule(writeModule(module)), module);
    assert.match(
      printModule(module),
      /^ports inside, outside\ndrop reason 1 tooShort: the frame.*\n[\s\S]*^punt reason 0 unknown: [\s\S]*^metadata 1 stamp: u64$/m,
    );
  });

  it("have no interface when they declare nothing", () => {
    assert.equal("interface" in compileClean(handler("return toHost;")), false);
  });

  it("may declare in a module that they import", () => {
    const files = { "shared.ts": `${imports}export const ports = dynamicPorts({ maximum: 64 });` };
    const source = handler(
      "return packet.port < ports.maximum - 1 ? forward(packet.port + 1) : Drop;",
      'import { ports } from "./shared.ts";',
    );
    assert.deepEqual(compileClean(source, files).interface?.ports, { kind: "dynamic", maximum: 64 });
  });

  it("know ports by numbers whose types are those numbers", () => {
    compileClean(
      handler("const one: 1 = ports.outside; const zero: 0 = ports.inside; return forward(zero + one);", declared),
    );
    const sum = "const maximum: 64 = ports.maximum; return forward(maximum - 1);";
    compileClean(handler(sum, "const ports = dynamicPorts({ maximum: 64 });"));
  });

  it("forward from port to port", () => {
    const across = "return forward(packet.port === ports.inside ? ports.outside : ports.inside);";
    assert.deepEqual(run(across, { port: 0 }).verdict, { name: "forward", port: 1 });
    assert.deepEqual(run(across, { port: 1 }).verdict, { name: "forward", port: 0 });
    assert.deepEqual(run("return forward(1 - packet.port);", { port: 1 }).verdict, { name: "forward", port: 0 });
  });

  it("flood, drop and punt with what they say", () => {
    assert.deepEqual(run("return flood(7, 0x2064);").verdict, { name: "flood", group: 7, tagControl: 0x2064 });
    assert.deepEqual(run("return drop(reasons.denied);").verdict, { name: "drop", code: 1, reason: 2 });
    assert.deepEqual(run("return Drop;").verdict, { name: "drop", code: 1 });
    assert.deepEqual(run("return punt(causes.log);").verdict, { name: "punt", reason: 1 });
    assert.deepEqual(run("return toHost;").verdict, { name: "pass", code: 2 });
    assert.deepEqual(run("return packet.length > 9 ? drop(reasons.tooShort) : Pass;").verdict?.reason, 1);
  });

  it("read and set metadata, which are zero at first", () => {
    const count = `zone.set(u16(zone.get() + 1)); stamp.set(stamp.get() + 0xffff_ffff_ffff_ffffn);
      if (!seen.get()) seen.set(true); return Pass;`;
    assert.deepEqual(run(count).metadata, { zone: 1n, stamp: 0xffff_ffff_ffff_ffffn, seen: true });
    const before = { zone: 0xffffn, stamp: 5n, seen: true, other: 3n };
    assert.deepEqual(run(count, { metadata: before }).metadata, { zone: 0n, stamp: 4n, seen: true });
    assert.equal(run("return Pass;", {}, "").metadata, undefined);
  });

  it("share metadata of one name and one type", () => {
    const again = `${declared} const same = metadata("zone", u16);`;
    assert.equal(compileClean(handler("return Pass;", again)).interface?.metadata.length, 3);
    assert.deepEqual(run("zone.set(3); same.set(u16(zone.get() + 4)); return Pass;", {}, again).metadata?.["zone"], 7n);
  });

  it("may keep a verdict with a reason as a constant", () => {
    const constant = `${declared} const tooShort = drop(reasons.tooShort);`;
    assert.equal(run("return tooShort;", {}, constant).verdict?.reason, 1);
  });
});

describe("the flow checker about functions of a graph", () => {
  it("refuses ports that are not proven to exist", () => {
    assert.deepEqual(findings("return forward(2);"), ["IOV4030: the port may be 2, but the function has ports 0 to 1"]);
    assert.deepEqual(findings("return forward(packet.queue);"), [
      "IOV4030: the port may be 0 to 4294967295, but the function has ports 0 to 1",
    ]);
    assert.deepEqual(findings("return forward(packet.port - 1);"), [
      "IOV4030: the port may be -1 to 0, but the function has ports 0 to 1",
    ]);
    assert.deepEqual(findings("return packet.queue < 2 ? forward(packet.port) : Drop;"), []);
    assert.deepEqual(findings("const queue = packet.queue; return queue < 2 ? forward(queue) : Drop;"), []);
    assert.deepEqual(findings("return forward(packet.port);", "const ports = dynamicPorts({ maximum: 4 });"), []);
    assert.deepEqual(findings("return forward(4);", "const ports = dynamicPorts({ maximum: 4 });"), [
      "IOV4030: the port may be 4, but the function has ports 0 to 3",
    ]);
    assert.deepEqual(findings("return forward(0);", ""), ["IOV4030: the module declares no ports"]);
  });

  it("learns from tests of the port", () => {
    const body = `const other = packet.port;
      if (packet.port === 0) return forward(packet.port + 1);
      return forward(other - 1 < 0 ? 0 : other - 1);`;
    assert.deepEqual(findings(body), []);
  });

  it("refuses groups, tags and metadata that may not fit", () => {
    const codes = (body: string) => findings(body).map((one) => one.slice(0, 7));
    assert.deepEqual(codes("return flood(packet.length, 0);"), ["IOV4002"]);
    assert.deepEqual(codes("return flood(4096, 0);"), ["IOV4002"]);
    assert.deepEqual(codes("return flood(0, 0x1_0000);"), ["IOV4002"]);
    assert.deepEqual(codes("zone.set(u16(packet.length)); return flood(packet.length & 0xfff, zone.get());"), []);
    const wide = `const raw: number = packet.length; zone.set(raw < 70000 ? u16(raw) : 0); return Pass;`;
    assert.deepEqual(codes(wide), []);
  });
});

const refused: readonly (readonly [what: string, source: string])[] = [
  ["a second declaration of ports", `${declared}\n// @expect IOV3102: ports\nexport const more = fixedPorts("a");`],
  ["fixed ports beside dynamic ones", `${declared}\n// @expect IOV3102\nconst more = dynamicPorts({ maximum: 2 });`],
  [
    "a second declaration of drop reasons",
    `${declared}\n// @expect IOV3102: drop\nconst more = dropReasons({ a: "b" });`,
  ],
  [
    "a second declaration of punt reasons",
    `${declared}\n// @expect IOV3102: punt\nconst more = puntReasons({ a: "b" });`,
  ],
  ["the name of a port that is none", '// @expect IOV3101: "in-side"\nconst ports = fixedPorts("in-side");'],
  ["a port twice", '// @expect IOV3101: twice\nconst ports = fixedPorts("a", "a");'],
  ["no port", "// @expect IOV3101: no name\nconst ports = fixedPorts();"],
  ["no room for a port", "// @expect IOV3101\nconst ports = dynamicPorts({ maximum: 0 });"],
  ["a reason's name that is none", '// @expect IOV3101: "a_b"\nconst reasons = dropReasons({ a_b: "c" });'],
  [
    "more reasons than 255",
    `// @expect IOV3101: 255\nconst reasons = dropReasons({ ${Array.from({ length: 256 }, (_, at) => `r${at}: "x"`).join(", ")} });`,
  ],
  ["metadata of big-endian integers", '// @expect IOV3101: the type\nconst zone = metadata("zone", be16);'],
  ["metadata of signed integers", '// @expect IOV3101: the type\nconst zone = metadata("zone", i32);'],
  [
    "metadata of one name and two types",
    'const a = metadata("zone", u16);\n// @expect IOV3101: u16\nconst b = metadata("zone", u8);',
  ],
];

const refusedInHandlers: readonly (readonly [what: string, body: string])[] = [
  ["a drop reason that is a number", "// @expect TS2345\nif (packet.length > 3) return drop(1);"],
  ["a punt reason for drop", "// @expect TS2345\nif (packet.length > 3) return drop(causes.log);"],
  [
    "a reason that is chosen at run time",
    "const why = packet.length > 3 ? reasons.denied : reasons.tooShort;\n// @expect IOV3103: drop reasons\nif (packet.length > 4) return drop(why);",
  ],
  ["a number in metadata of u64", "// @expect TS2345\nstamp.set(packet.length);"],
  ["a wide number in narrow metadata", "// @expect TS2345\nzone.set(packet.length);"],
  ["ports inside of a handler", '// @expect IOV3004: ports\nconst inner = fixedPorts("a");'],
  ["metadata inside of a handler", '// @expect IOV3004: metadata\nconst inner = metadata("a", u8);'],
];

describe("the front end refuses for functions of a graph", () => {
  const seen = new Set<string>();
  const expect = (source: string): void => {
    for (const { code } of expectDiagnostics(source)) seen.add(code);
  };
  for (const [what, source] of refused)
    it(what, () => {
      expect(handler("return Pass;", source));
    });
  for (const [what, body] of refusedInHandlers)
    it(what, () => {
      expect(handler(`${body}\nreturn Pass;`, declared));
    });
  it("metadata at module scope", () => {
    expectDiagnostics(handler("return Pass;", `${declared}\n// @expect IOV2011: metadata\nconst now = zone.get();`));
  });
  it("with every message that is there for them", () => {
    const codes = Object.values(messages).map((one) => one.code);
    assert.deepEqual(
      codes.filter((code) => code.startsWith("IOV31") && !seen.has(code)),
      [],
    );
  });
});
