import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as build from "./build.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { type Instruction, slotOffsets } from "./instruction.ts";
import { type AccessSize, AluCode, type AluOperation, JumpCode, type JumpOperation } from "./opcode.ts";

const register = fc.integer({ min: 0, max: 10 });
const imm = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const offset = fc.integer({ min: -0x8000, max: 0x7fff });
const operand = fc.oneof(imm, register.map(build.reg));
const size = fc.constantFrom<AccessSize>(1, 2, 4, 8);
const aluNames = Object.keys(AluCode).filter((name) => name !== "neg" && name !== "end") as AluOperation[];
const jumpNames = Object.keys(JumpCode).filter((name) => !["ja", "call", "exit", "cond"].includes(name));
const aluName = fc.constantFrom<AluOperation>(...aluNames, "sdiv", "smod");
const jumpName = fc.constantFrom(...(jumpNames as JumpOperation[]));

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  fc.tuple(aluName, register, operand).map((args) => build.alu64(...args)),
  fc.tuple(aluName, register, operand).map((args) => build.alu32(...args)),
  fc.tuple(jumpName, register, operand, offset).map((args) => build.jump(...args)),
  fc.tuple(jumpName, register, operand, offset).map((args) => build.jump32(...args)),
  fc.tuple(size, register, register, offset).map((args) => build.load(...args)),
  fc.tuple(size, register, offset, register).map((args) => build.store(...args)),
  fc.tuple(size, register, offset, imm).map((args) => build.storeImm(...args)),
  fc.tuple(register, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map((args) => build.loadWide(...args)),
  fc.tuple(fc.constantFrom<4 | 8>(4, 8), register, offset, register).map((args) => build.atomic("cmpxchg", ...args)),
  imm.map((target) => build.callLocal(target)),
  imm.map((target) => build.gotol(target)),
);

test("what the builders make survives encode and decode", (t) => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 0x7fff_ffff);
  t.diagnostic(`SEED=${seed}`);
  fc.assert(
    fc.property(fc.array(instruction), (program) => {
      assert.deepEqual(decode(encode(program)), program);
    }),
    { seed },
  );
});

test("the encoding is that of RFC 9669", () => {
  const bytes = encode([
    build.alu32("add", 1, -2),
    build.load(4, 2, 10, -8),
    build.loadWide(3, 0x1122334455667788n, 1),
  ]);
  const expected = "0401 0000 feffffff 61a2 f8ff 00000000 1813 0000 88776655 0000 0000 44332211";
  assert.equal(Buffer.from(bytes).toString("hex"), expected.replaceAll(" ", ""));
});

test("a wide load takes two slots", () => {
  assert.deepEqual(slotOffsets([build.exit(), build.loadWide(0, 1n), build.exit()]), [0, 1, 3, 4]);
});

test("decode says where the bytes are wrong", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["9500", /not a multiple of 8/],
    ["1800000001000000", /slot 0: lddw has no second slot/],
    ["1800000001000000" + "0100000000000000", /slot 1: the second slot of lddw uses reserved fields/],
    ["9500000000000000" + "b70b000000000000", /slot 1: register r11 does not exist/],
    ["ff00000000000000", /slot 0: unknown opcode 0xff/],
    ["b710000000000000", /reserved field src/],
    ["dc10000010000000", /reserved field src/],
    ["dc00000011000000", /17 bits/],
    ["b700010000000000", /offset 1 means nothing/],
    ["db00000002000000", /atomic operation 0x2 of 8 bytes/],
    ["9500000001000000", /reserved field imm/],
  ];
  for (const [hex, message] of cases) {
    assert.throws(() => decode(Buffer.from(hex, "hex")), { code: "E_FORMAT", message }, hex);
  }
});

test("decode without strict lets reserved fields through", () => {
  assert.equal(decode(Buffer.from("9500000001000000", "hex"), { strict: false })[0]?.imm, 1);
});

test("builders refuse values that do not fit", () => {
  assert.throws(() => build.movImm(11, 0), { code: "E_USAGE", message: /destination register 11/ });
  assert.throws(() => build.movImm(0, 0x8000_0000), { code: "E_USAGE", message: /immediate 2147483648/ });
  assert.throws(() => build.load(4, 0, 1, 0x8000), { code: "E_USAGE", message: /offset 32768/ });
  assert.throws(() => build.loadWide(0, -1n), { code: "E_USAGE" });
});
