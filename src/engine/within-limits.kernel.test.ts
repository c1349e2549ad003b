import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testPair } from "../../test/network/network.ts";
import { StackTooLarge } from "../compiler/codegen/index.ts";
import { compileClean } from "../compiler/frontend/testing.ts";
import { VerifierError } from "../kernel/programs.ts";
import { skipWithoutBpf as skip } from "../kernel/testing.ts";
import { hooks } from "../language/kinds.ts";
import { listPipelines } from "./inspect/pipelines.ts";
import { type LoadedEntry, type LoadOptions, loadModule } from "./load.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./visor/testing.ts";

const flags = Array.from({ length: 16 }, (_, at) => at);

/** Sixteen flags, each tested twice: 65,536 ways through the second tests. */
const flagged = `
  const head = packet.at(14, bytes(32));
  if (!head) return Pass;
  ${flags.map((at) => `const flag${at} = head[${at}] > ${at + 3};`).join("\n  ")}
  ${flags.map((at) => `if (flag${at}) head[${at}] = ${at};`).join("\n  ")}
  ${flags.map((at) => `if (flag${at}) head[${at + 16}] = ${at};`).join("\n  ")}`;

function load(source: string, options: LoadOptions = {}): Pick<LoadedEntry, "instructions" | "fewPaths"> {
  const module = compileClean(source);
  using loaded = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }], options);
  const { instructions, fewPaths } = loaded.entries[0]!;
  return { instructions, fewPaths };
}

test("a program that is too much for the verifier is made once more, with few paths", { skip }, () => {
  const source = `
    import { bytes, onPacket, Pass } from "iovisor/kernel";
    export default onPacket((packet) => { ${flagged} return Pass; });`;
  const { instructions, fewPaths } = load(source);
  assert.equal(fewPaths, true);
  assert.equal(instructions, load(source, { compile: { fewPaths: true } }).instructions);
});

test("what was too much is made with few paths at once with other settings", { skip }, () => {
  const module = compileClean(`
    import { bytes, config, onPacket, Pass, u8 } from "iovisor/kernel";
    export const settings = config({ mark: u8.default(1) });
    export default onPacket((packet) => { ${flagged} head[0] = settings.mark; return Pass; });`);
  const wanted = [{ program: module.programs[0]!, hook: hooks.xdp }];
  const formsTried = (wereTooMuch: ReadonlySet<string>): number => {
    let seen = 0;
    const observe = (stage: string): void => {
      if (stage === "optimized") seen++;
    };
    using loaded = loadModule(module, wanted, { settings: { mark: 2 }, compile: { observe }, wereTooMuch });
    assert.equal(loaded.entries[0]!.fewPaths, true);
    return seen;
  };
  assert.equal(formsTried(new Set()), 2);
  assert.equal(formsTried(new Set(["default"])), 1);
});

test("copies of map values, each asked about twice, are not too much", { skip }, () => {
  const keys = Array.from({ length: 16 }, (_, at) => at);
  for (const [value, part] of [
    ["u32", ""],
    ["struct({ a: u32, b: u32 })", "?.a"],
  ] as const) {
    const source = `
      import { Drop, hash, onPacket, Pass, struct, u32, u64 } from "iovisor/kernel";
      const kept = hash({ key: u32, value: ${value}, maxEntries: 64 });
      export default onPacket((packet) => {
        ${keys.map((at) => `const kept${at} = kept.get(u32(packet.length + ${at}));`).join("\n")}
        let total: u64 = 0n;
        ${keys.map((at) => `total += u64(kept${at}${part} ?? 0);`).join("\n")}
        ${keys.map((at) => `if (kept${at} !== undefined) total += ${at}n;`).join("\n")}
        return total > 5n ? Drop : Pass;
      });`;
    assert.equal(load(source).fewPaths, true);
  }
});

test("a program that neither form makes short enough is refused with the first form's reason", { skip }, () => {
  // What is present cannot be hidden: the verifier must know which registers hold addresses.
  const views = flags.map((at) => `const view${at} = packet.at(head[${at}] + 14, bytes(1));`).join("\n");
  const uses = flags.map((at) => `if (view${at}) view${at}[0] = ${at};`).join("\n");
  const source = `
    import { bytes, onPacket, Pass } from "iovisor/kernel";
    export default onPacket((packet) => {
      const head = packet.at(14, bytes(32));
      if (!head) return Pass;
      ${views}\n${uses}\n${uses}
      return Pass;
    });`;
  assert.throws(
    () => load(source),
    (error) => error instanceof VerifierError && error.isForSize && /fewer rounds, or divide it/.test(error.remedy),
  );
});

test("optimised code that needs too much stack is replaced by plain code", { skip }, () => {
  const places = Array.from({ length: 90 }, (_, at) => at);
  const sums = places.map((at) => `sum = u32(sum + row[${at}] * ${at + 3});`).join(" ");
  const products = places.map((at) => `product = u32(product * (row[${89 - at}] + 1));`).join(" ");
  const source = `
    import { bytes, Drop, onPacket, Pass, u32 } from "iovisor/kernel";
    export default onPacket((packet) => {
      const row = packet.at(14, bytes(90));
      if (!row) return Pass;
      let sum: u32 = 0;
      let product: u32 = 1;
      ${sums}
      ${products}
      return sum === product ? Drop : Pass;
    });`;
  assert.throws(() => load(source, { compile: { optimization: 2 } }), StackTooLarge);
  const { instructions, fewPaths } = load(source);
  assert.equal(fewPaths, false);
  assert.equal(instructions, load(source, { compile: { optimization: 0 } }).instructions);
});

test("a function of a graph that is too much alone is made with few paths", { skip: skipWithoutNetwork }, async () => {
  using net = testPair();
  using graph = new TestGraph();
  const marker = functionOf(
    "marker",
    `
    import { bytes, fixedPorts, forward, onPacket, Pass } from "iovisor/kernel";
    export const ports = fixedPorts("left", "right");
    export default onPacket((packet) => { ${flagged} return forward(1 - packet.port); });`,
  );
  const plain = functionOf(
    "marker",
    `
    import { fixedPorts, forward, onPacket } from "iovisor/kernel";
    export const ports = fixedPorts("left", "right");
    export default onPacket((packet) => forward(1 - packet.port));`,
  );
  const model = (used: typeof marker) => ({
    instances: [instance("m", used, ["left", "right"])],
    devices: [deviceOf(net.host("a"), "eth0", "xdp")],
    links: links("dev:eth0 -> m.left"),
  });
  const forms = () => listPipelines({ prepared: graph.prepared, running: graph }).map(({ fewPaths }) => fewPaths);
  await graph.applyModel(model(marker));
  assert.deepEqual(forms(), [true]);
  // What does not change stays as it is.
  await graph.applyModel(model(marker));
  assert.deepEqual(forms(), [true]);
  await graph.applyModel(model(plain));
  assert.deepEqual(forms(), [undefined]);
});
