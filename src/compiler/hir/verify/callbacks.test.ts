import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../build.ts";
import { mergeModules } from "../merge.ts";
import { readModule, writeModule } from "../serialise.ts";
import { specialise } from "../specialise.ts";
import type { Callback, Module, OperationExpression } from "../tree.ts";
import { boolType, optionalType, refType, voidType } from "../types.ts";
import { verifyModule } from "../verify.ts";
import { walk } from "../walk.ts";

const key = b.integer(32);
const value = b.struct("Slot", { timer: { kind: "opaque", what: "timer" }, count: b.integer(64) });
const slots = b.map("array", { name: "slots", key, value });
const plain = b.map("hash", { name: "plain", key, value: b.integer(64) });
const trie = b.map("lpmTrie", {
  name: "trie",
  key: b.struct("Prefix", { length: key, address: b.integer(32, "big") }),
  value: b.integer(32),
});
const timer = b.callback("timer", { map: 0, key, value }, () => []);
const element = b.callback("element", { map: 1, key, value: b.integer(64) }, () => []);

function module(
  change: { readonly callbacks?: readonly Callback[]; readonly start?: Partial<OperationExpression> } = {},
): Module {
  const { callbacks = [timer, element] } = change;
  const program = b.program((l) => {
    const [letSlot, slot] = l.let(
      "slot",
      b.operation("map.ref", [b.number(0)], optionalType(refType("map", value)), { map: 0 }),
    );
    const args = [b.unwrap(l.use(slot)), b.wide(5)];
    const start = { ...b.operation("timer.start", args, boolType, { map: 0, constants: [0] }), ...change.start };
    const forEach = b.operation("map.forEach", [], voidType, { map: 1, constants: [1] });
    return [
      letSlot,
      b.when(b.present(l.use(slot)), [b.evaluate(start as OperationExpression)]),
      b.evaluate(forEach),
      b.giveBack(b.pass()),
    ];
  });
  return b.module([program], { maps: [slots, plain, trie], callbacks });
}

test("callbacks are written, read and specialised", () => {
  const made = module();
  assert.deepEqual(verifyModule(made), []);
  assert.deepEqual(readModule(writeModule(made)), made);
  assert.deepEqual(specialise(made, {}).callbacks, made.callbacks);
});

const parameters = (change: (callback: Callback) => Callback): Module =>
  module({ callbacks: [change(timer), element] });
const refused: readonly (readonly [what: string, module: Module, message: RegExp])[] = [
  ["a callback that is not there", module({ start: { constants: [7] } }), /no callback 7/],
  ["a callback of another kind", module({ start: { constants: [1] } }), /a callback of kind element, not timer/],
  [
    "a callback of another map",
    module({ callbacks: [{ ...b.callback("timer", { map: 1, key, value: b.integer(64) }, () => []) }, element] }),
    /a callback of another map/,
  ],
  ["a timer in values without one", module({ start: { map: 1 } }), /the values of "plain" have no timer/],
  [
    "a value that is no live one",
    module({ start: { args: [b.newStruct(value), b.wide(1)] } }),
    /a live value of its map/,
  ],
  ["a delay that is no u64", module({ start: { args: [b.newStruct(value), b.number(1)] } }), /wants a u64/],
  [
    "parameters of other types",
    parameters((one) => ({ ...one, locals: [...one.locals].reverse() })),
    /callbacks\[0\]\.locals\[0\]: a parameter of type map Slot/,
  ],
  ["too few parameters", parameters((one) => ({ ...one, locals: one.locals.slice(0, 1) })), /expected 2 to/],
  ["a map that is not there", parameters((one) => ({ ...one, map: 9 })), /no map 9 with keys and values/],
  [
    "two callbacks of one name",
    module({ callbacks: [timer, { ...element, name: timer.name }] }),
    /two callbacks named/,
  ],
  [
    "a trie to go over",
    module({ start: { operation: "map.forEach", args: [], type: voidType, map: 2, constants: [1] } }),
    /a lpmTrie cannot be gone over/,
  ],
  [
    "a parameter that is bound again",
    parameters((one) => ({ ...one, body: [{ kind: "let", local: 0, at: 0 }] })),
    /local 0 is defined again/,
  ],
];

for (const [what, wrong, message] of refused) {
  test(`verify refuses ${what}`, () => {
    const problems = verifyModule(wrong).map((one) => `${one.path}: ${one.message}`);
    assert.ok(
      problems.some((one) => message.test(one)),
      problems.join("\n"),
    );
  });
}

test("modules side by side keep their callbacks apart", () => {
  const merged = mergeModules("both", [
    { name: "first", module: module() },
    { name: "second", module: module() },
  ]);
  assert.deepEqual(verifyModule(merged), []);
  assert.deepEqual(
    merged.callbacks.map(({ name, map }) => [name, map]),
    [
      ["first_map0_timer", 0],
      ["first_map1_element", 1],
      ["second_map0_timer", 3],
      ["second_map1_element", 4],
    ],
  );
  const constants: (number | undefined)[] = [];
  walk(merged.programs[1]!.body, (node) => {
    if (node.kind === "operation" && /^timer|forEach/.test(node.operation)) constants.push(node.constants?.[0]);
  });
  assert.deepEqual(constants, [2, 3]);
});
