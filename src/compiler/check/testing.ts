import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../hir/build.ts";
import type { Expression, Module, SettingDeclaration, Statement } from "../hir/tree.ts";
import { boolType, optionalType, refType, u64Type, voidType } from "../hir/types.ts";
import { verifyModule } from "../hir/verify.ts";
import { checkModule, type Finding, findingCodes } from "./index.ts";

export const header = b.struct("Header", {
  kind: b.integer(16, "big"),
  small: b.integer(8),
  nibble: { kind: "bits", bits: 8, order: "native", shift: 4, width: 4 },
  word: b.integer(32),
  wide: b.integer(64),
  list: { kind: "array", element: b.integer(16), length: 8 },
});

const table = b.map("hash", { name: "table", key: b.integer(32), value: header });
export const locked = b.map("hash", {
  name: "locked",
  key: b.integer(32),
  value: b.struct("Locked", { lock: { kind: "opaque", what: "spinLock" }, count: b.integer(32), total: b.integer(64) }),
});
const programs = b.map("progArray", { name: "programs", key: b.integer(32), value: b.integer(32), maxEntries: 4 });
export const maps = [table, locked, programs];

/** The codes that a module is refused with, in order. The module must be well formed. */
export function codesOf(module: Module): string[] {
  assert.deepEqual(verifyModule(module), []);
  return checkModule(module).findings.map((one) => one.code);
}

export function findings(
  make: (locals: b.Locals) => readonly Statement[],
  options: Partial<Module> = {},
): readonly Finding[] {
  const module = { ...b.module([b.program((l) => [...make(l), b.giveBack(b.pass())])], { maps }), ...options };
  assert.deepEqual(verifyModule(module), []);
  return checkModule(module).findings;
}

export type Case = readonly [
  what: string,
  code: string | undefined,
  make: (locals: b.Locals) => readonly Statement[],
  options?: Partial<Module>,
];

export const length = b.packetLength;
export const u8 = (value: Expression) => b.convert("u8", value);

/** Declares a view at offset 0 and gives statements that run where it is there. */
export function withView(l: b.Locals, body: (view: Expression) => readonly Statement[]): readonly Statement[] {
  const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
  return [letView, b.when(b.present(l.use(view)), body(b.unwrap(l.use(view))))];
}

export function withValue(
  l: b.Locals,
  map: number,
  body: (value: Expression) => readonly Statement[],
): readonly Statement[] {
  const type = optionalType(refType("map", maps[map]!.value!));
  const [letIt, value] = l.let("value", b.operation("map.ref", [b.number(1)], type, { map }));
  return [letIt, b.when(b.present(l.use(value)), body(b.unwrap(l.use(value))))];
}

export function setting(
  name: string,
  type: SettingDeclaration["type"],
  value: SettingDeclaration["default"],
): SettingDeclaration {
  return { name, type, default: value, description: "", at: 0 };
}

export const popVlan = () => b.evaluate(b.operation("packet.popVlan", [], boolType));
export const tailCall = () => b.evaluate(b.operation("program.tailCall", [b.number(1)], voidType, { map: 2 }));
export const now = () => b.operation("time.monotonic", [], u64Type);

/** One test for each case: it has the finding of that code and no other, or none. */
export function runCases(group: string, cases: readonly Case[]): void {
  for (const [what, code, make, options] of cases) {
    test(`check (${group}): ${what} ${code ? `is refused with ${code}` : "is accepted"}`, () => {
      const found = findings(make, options);
      assert.deepEqual(
        found.map((one) => one.code),
        code ? [code] : [],
        JSON.stringify(found.map((one) => one.message)),
      );
      assert.ok(code === undefined || code in findingCodes);
    });
  }
}
