import assert from "node:assert/strict";
import { test } from "node:test";
import { prepareModule } from "../../engine/prepare.ts";
import { hooks } from "../../language/kinds.ts";
import { compileProgram } from "../compile.ts";
import { compileText } from "../frontend/testing.ts";
import { helpers } from "../ir/helpers.ts";
import type { IrProgram } from "../ir/ir.ts";

const numbers = Array.from({ length: 20 }, (_, index) => 7 * index);

/** `body` with a set of twenty numbers, whose walk has `may_goto`. */
function lowered(body: string, longLoops: "iterator" | "callback", fewPaths = false): IrProgram {
  const { module, diagnostics } = compileText(`
    import { arrayMap, config, exact, onPacket, Pass, set, struct, u32, u64 } from "iovisor/kernel";
    export const settings = config({ some: set(exact(u32), "numbers") });
    export const values = arrayMap({ value: u64, maxEntries: 8 });
    export default onPacket((packet) => { ${body} return Pass; });`);
  assert.deepEqual(diagnostics, []);
  const prepared = prepareModule(module!, { some: numbers }, "data");
  let found: IrProgram | undefined;
  compileProgram(prepared.module, prepared.module.programs[0]!, {
    hook: hooks.xdp,
    target: { isa: 3, littleEndian: true, mixedStackWrites: false },
    ...{ longLoops, fewPaths, mayGoto: true, optimization: 0, settings: prepared.settings },
    ...(prepared.ranges ? { ranges: prepared.ranges } : {}),
    observe: (stage, ir) => {
      if (stage === "lowered") found = ir;
    },
  });
  return found!;
}

const withMayGoto = ({ functions }: IrProgram): readonly string[] =>
  functions
    .filter(({ blocks }) => blocks.some(({ terminator }) => terminator.kind === "mayGoto"))
    .map(({ linkage }) => linkage);

const has = "if (settings.some.has(u32(packet.length))) values.set(0, 1n);";

test("walks over rules have may_goto in the program itself", () => {
  assert.deepEqual(withMayGoto(lowered(has, "iterator")), ["global"]);
});

test("walks in loops have none", () => {
  assert.deepEqual(withMayGoto(lowered(`for (let i: u32 = 0; i < 3; i++) { ${has} }`, "iterator")), []);
  assert.deepEqual(withMayGoto(lowered(`for (let i: u32 = 0; i < 300; i++) { ${has} }`, "iterator")), []);
});

test("functions that the kernel calls back have none", () => {
  const each = "values.forEach((_, value) => { if (settings.some.has(u32(value.value & 255n))) value.value = 1n; });";
  assert.deepEqual(withMayGoto(lowered(each, "iterator")), []);
  assert.deepEqual(withMayGoto(lowered(`for (let i: u32 = 0; i < 300; i++) { ${has} }`, "callback")), []);
});

test("where paths are to be few, a list is walked over in one function of its own", () => {
  const { functions } = lowered(`${has} for (let i: u32 = 0; i < 300; i++) { ${has} }`, "iterator", true);
  const [main, walk] = functions;
  assert.deepEqual([functions.length, walk?.linkage], [2, "global"]);
  const calls = main!.blocks.flatMap(({ instructions }) =>
    instructions.flatMap((i) => (i.kind === "callFunction" ? [i.callee] : [])),
  );
  assert.deepEqual(calls, [walk?.name, walk?.name]);
});

test("known values that a loop writes to local storage are hidden, in a function of its own as well", () => {
  const body =
    "const pair = struct({ a: u32 })(); for (let i: u32 = 0; i < 300; i++) if (packet.length > i) pair.a = 1;";
  for (const longLoops of ["iterator", "callback"] as const) {
    const { functions } = lowered(`${body} values.set(0, u64(pair.a));`, longLoops);
    const { blocks } = functions.at(-1)!;
    const writes = blocks.filter(({ instructions }) => {
      const hides = instructions.some(({ kind }) => kind === "hiddenZero");
      return hides && instructions.some((one) => one.kind === "store" && one.size === 4);
    });
    assert.notEqual(writes.length, 0, longLoops);
  }
});

test("what goes over a map is called in a function that the verifier checks on its own, once for each place", () => {
  const body = `
    for (let i: u32 = 0; i < 300; i++) if (packet.length > i) values.forEach((_, value) => { value.value = 1n; });
    values.forEach((key, value) => { if (key === 3) value.value = 2n; });`;
  for (const longLoops of ["iterator", "callback"] as const) {
    const { functions } = lowered(body, longLoops);
    const calling = functions.filter(({ blocks }) =>
      blocks.some(({ instructions }) =>
        instructions.some((i) => i.kind === "callHelper" && i.helper === helpers.forEachMapElem.id),
      ),
    );
    assert.equal(calling.length, 2);
    for (const { linkage, parameterKinds, blocks } of calling) {
      assert.deepEqual([linkage, parameterKinds.length, blocks.length], ["global", 0, 1]);
    }
  }
});
