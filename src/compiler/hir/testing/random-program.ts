import * as b from "../build.ts";
import { tagProtocols } from "../tag-protocols.ts";
import type { Expression, Module, Statement } from "../tree.ts";
import {
  boolType,
  i64Type,
  type NarrowInteger,
  numberType,
  optionalType,
  refType,
  type Type,
  u64Type,
} from "../types.ts";
import type { Random } from "./random.ts";

/**
 * Random packet programs that are well formed. Most keep the rules of the flow checker, some break one: a checker must
 * refuse those, or the program must run without a trap.
 */
export function randomModule(random: Random): Module {
  return new Generator(random).module();
}

export const header = b.struct("Header", {
  wide: b.integer(64),
  half: b.integer(16, "big"),
  word: b.integer(32),
  small: b.integer(8),
  signed: b.integer(8, "native", true),
  list: { kind: "array", element: b.integer(16), length: 8 },
});

type Kind = "number" | "u64" | "i64" | "bool";
const types = { number: numberType, u64: u64Type, i64: i64Type, bool: boolType } as const;
const widths: readonly NarrowInteger[] = ["u8", "u16", "u32", "i8", "i16", "i32"];

interface Visible {
  readonly local: number;
  readonly type: Type;
  readonly width?: NarrowInteger;
  readonly counter?: true;
}

class Generator {
  readonly #random: Random;
  readonly #locals = new b.Locals();
  #visible: Visible[] = [];
  #label = 0;
  #labels: { readonly label: number; readonly loop: boolean }[] = [];
  #inExpression = 0;
  #loops = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  module(): Module {
    const body = [...this.#body(5, 6), b.giveBack(this.#random.chance(0.5) ? b.pass() : b.drop())];
    const maps = [
      b.map("hash", { name: "table", key: b.integer(32), value: header, maxEntries: 64 }),
      b.map("array", { name: "counts", key: b.integer(32), value: b.integer(64), maxEntries: 4 }),
    ];
    return b.module(
      [b.program(() => body, {})].map((one) => ({ ...one, locals: this.#locals.all })),
      { maps },
    );
  }

  // ---------------------------------------------------------------------------------------------------- statements

  #body(length: number, depth: number): Statement[] {
    const before = this.#visible;
    this.#visible = [...before];
    const body: Statement[] = [];
    const count = 1 + this.#random.below(length);
    for (let index = 0; index < count; index++) body.push(...this.#statement(depth));
    this.#visible = before;
    return body;
  }

  #statement(depth: number): Statement[] {
    const random = this.#random;
    const deep = depth > 0;
    switch (random.below(deep ? 13 : 5)) {
      case 0:
      case 1:
        return [this.#let(depth)];
      case 2:
        return this.#assign();
      case 3:
        return this.#write();
      case 4:
        return [b.evaluate(this.#effect())];
      case 5:
      case 6:
        return [
          b.when(this.#condition(2), this.#body(3, depth - 1), random.chance(0.5) ? this.#body(3, depth - 1) : []),
        ];
      case 7:
        return this.#view(depth);
      case 8:
        return [this.#loop(depth)];
      case 9:
        return [this.#switch(depth)];
      case 10:
        return [this.#block(depth)];
      case 11:
        return this.#bits(depth);
      default:
        return this.#jump();
    }
  }

  #let(_depth: number): Statement {
    const kind = this.#random.pick(["number", "number", "number", "u64", "i64", "bool"] as const);
    const width = kind === "number" && this.#random.chance(0.6) ? this.#random.pick(widths) : undefined;
    const value = width ? this.#fitting(width, 2) : this.#expression(kind, 3);
    const [statement, local] = this.#locals.let(`v${this.#locals.all.length}`, value, width);
    this.#visible.push({ local, type: types[kind], ...(width ? { width } : {}) });
    return statement;
  }

  /** A number that mostly fits a width. */
  #fitting(width: NarrowInteger, depth: number): Expression {
    const value = this.#expression("number", depth);
    return this.#random.chance(0.9) ? b.convert(width, value) : value;
  }

  #assign(): Statement[] {
    const targets = this.#visible.filter((one) => !one.counter && one.type.kind in types);
    if (targets.length === 0) return [];
    const target = this.#random.pick(targets);
    const kind = target.type.kind as Kind;
    if (kind !== "bool" && this.#random.chance(kind === "number" ? 0.5 : 0.3)) return this.#growth(target, kind);
    return [b.assign(target.local, target.width ? this.#fitting(target.width, 2) : this.#expression(kind, 2))];
  }

  /** Adds something to a variable: always or on one way only, through a conversion, or to a copy of it. */
  #growth({ local, width }: Visible, kind: "number" | "u64" | "i64"): Statement[] {
    const random = this.#random;
    const small = (): Expression => (kind === "number" ? this.#little() : b.wide(random.below(5), kind));
    const more = (value: Expression): Expression => b.binary(random.pick(["add", "subtract"]), value, small());
    const self = (): Expression => this.#locals.use(local);
    switch (random.below(kind === "number" ? 6 : 4)) {
      case 0:
        return [
          b.assign(local, b.conditional(this.#condition(1), more(self()), random.chance(0.5) ? small() : self())),
        ];
      case 1:
        return [b.when(this.#condition(1), [b.assign(local, more(self()))], [b.assign(local, small())])];
      case 2: {
        const [letCopy, copy] = this.#locals.let(`v${this.#locals.all.length}`, self());
        return [letCopy, ...this.#assign(), b.assign(local, more(this.#locals.use(copy)))];
      }
      case 3:
        return [b.assign(local, more(more(self())))];
      case 4:
        return [b.assign(local, b.convert(width ?? random.pick(widths), more(self())))];
      default:
        return [b.assign(local, more(self()))];
    }
  }

  /** A small number that is not always the same. */
  #little(): Expression {
    const number = b.number(this.#random.below(5));
    if (this.#random.chance(0.7)) return number;
    return b.binary("and", this.#expression("number", 1), b.number(this.#random.below(16)));
  }

  /** A test of bits of a variable, with a use of the same bits where it holds. */
  #bits(depth: number): Statement[] {
    const numbers = this.#visible.filter((one) => one.type.kind === "number");
    if (numbers.length === 0) return [];
    const { local } = this.#random.pick(numbers);
    const [operator, by] = this.#random.pick([
      ["and", 3],
      ["shiftRight", 2],
      ["shiftRightUnsigned", 30],
      ["remainder", 5],
    ] as const);
    const bits = (): Expression => b.binary(operator, this.#locals.use(local), b.number(by));
    const test = b.compare(this.#random.pick(["less", "greater", "equal"]), bits(), b.number(this.#random.below(4)));
    const use = (): Statement => this.#locals.let(`v${this.#locals.all.length}`, b.add(bits(), b.number(1)))[0];
    return [b.when(test, [...this.#body(2, depth - 1), use()], [use()]), use()];
  }

  #write(): Statement[] {
    const refs = this.#visible.filter((one) => one.type.kind === "ref");
    if (refs.length === 0) return [];
    const ref = this.#locals.use(this.#random.pick(refs).local);
    switch (this.#random.below(5)) {
      case 0:
        return [b.store(b.field(ref, "wide"), this.#expression("u64", 2))];
      case 1:
        return [b.store(b.field(ref, "half"), this.#fitting("u16", 2))];
      case 2:
        return [b.store(b.field(ref, "small"), this.#fitting("u8", 2))];
      case 3:
        return [b.store(b.field(ref, "signed"), this.#fitting("i8", 2))];
      default:
        return [b.store(b.element(b.field(ref, "list"), this.#index(8)), this.#fitting("u16", 2))];
    }
  }

  #effect(): Expression {
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
        return b.operation("packet.setLength", [this.#fitting("u16", 1)], boolType);
      case 1:
        return b.pushVlan(this.#fitting("u16", 1), this.#random.pick(Object.values(tagProtocols)));
      case 2:
        return b.operation("map.delete", [this.#fitting("u32", 1)], boolType, { map: 0 });
      case 3: {
        const fields = [{ path: [3], value: this.#fitting("u8", 1) }];
        const args = [this.#fitting("u32", 1), b.newStruct(header, fields)];
        return b.operation("map.set", args, boolType, { map: 0, constants: [random.below(3)] });
      }
      default:
        return b.operation("map.set", [this.#index(4), this.#expression("u64", 2)], boolType, {
          map: 1,
          constants: [0],
        });
    }
  }

  /** A view of the packet or a live value, and statements where it is there. */
  #view(depth: number): Statement[] {
    const offset = this.#random.chance(0.5) ? b.number(this.#random.below(40)) : this.#fitting("u8", 2);
    const value = this.#random.chance(0.7)
      ? b.packetAt(offset, header)
      : b.operation("map.ref", [this.#fitting("u32", 1)], optionalType(refType("map", header)), { map: 0 });
    const [letOptional, optional] = this.#locals.let(`o${this.#locals.all.length}`, value);
    const [letRef, ref] = this.#locals.let(`r${this.#locals.all.length}`, b.unwrap(this.#locals.use(optional)));
    const before = this.#visible;
    this.#visible = [...before, { local: ref, type: this.#locals.all[ref]!.type }];
    const body = [letRef, ...this.#body(4, depth - 1)];
    this.#visible = before;
    const test = this.#random.chance(0.97) ? b.present(this.#locals.use(optional)) : b.bool(true);
    return [letOptional, b.when(test, body)];
  }

  #loop(depth: number): Statement {
    if (this.#loops >= 3) return b.evaluate(this.#expression("number", 1));
    const counter = this.#locals.declare(`i${this.#locals.all.length}`, numberType);
    const label = this.#label++;
    const from = b.number(this.#random.below(5) - 2);
    const to = this.#random.chance(0.6)
      ? b.number(this.#random.below(7))
      : b.binary("and", this.#expression("number", 1), b.number(7));
    const step = 1 + this.#random.below(3);
    this.#loops++;
    const body = this.#labelled(label, true, () => {
      const before = this.#visible;
      this.#visible = [...before, { local: counter, type: numberType, counter: true }];
      const inner = this.#body(4, depth - 1);
      this.#visible = before;
      return inner;
    });
    this.#loops--;
    return b.loop(counter, from, to, body, { step, label });
  }

  #labelled<T>(label: number, loop: boolean, make: () => T): T {
    this.#labels.push({ label, loop });
    const made = make();
    this.#labels.pop();
    return made;
  }

  #switch(depth: number): Statement {
    const label = this.#label++;
    return this.#labelled(label, false, () => {
      const cases = [0, 1].map((index) => ({
        values: [BigInt(index * 3), BigInt(index * 3 + 1 + this.#random.below(2))],
        body: this.#body(3, depth - 1),
      }));
      return b.choose(label, this.#expression("number", 2), cases, this.#body(2, depth - 1));
    });
  }

  #block(depth: number): Statement {
    const label = this.#label++;
    return b.block(
      label,
      this.#labelled(label, false, () => this.#body(4, depth - 1)),
    );
  }

  #jump(): Statement[] {
    if (this.#labels.length === 0 || this.#inExpression > 0) return [];
    const { label, loop } = this.#random.pick(this.#labels);
    const jump = loop && this.#random.chance(0.5) ? b.next(label) : b.leave(label);
    return [b.when(this.#condition(1), [jump])];
  }

  // --------------------------------------------------------------------------------------------------- expressions

  #condition(depth: number): Expression {
    return this.#expression("bool", depth);
  }

  /** Mostly from 0 to length - 1; the length is a power of two. */
  #index(length: number): Expression {
    const value = this.#expression("number", 1);
    return this.#random.chance(0.95) ? b.binary("and", value, b.number(length - 1)) : value;
  }

  #expression(kind: Kind, depth: number): Expression {
    const known = this.#visible.filter((one) => one.type.kind === kind);
    if (depth <= 0 || this.#random.chance(0.2)) {
      if (known.length > 0 && this.#random.chance(0.7)) return this.#locals.use(this.#random.pick(known).local);
      return this.#constant(kind);
    }
    if (this.#random.chance(0.08)) return this.#sequence(kind, depth - 1);
    if (this.#random.chance(0.08))
      return b.conditional(
        this.#condition(depth - 1),
        this.#expression(kind, depth - 1),
        this.#expression(kind, depth - 1),
      );
    if (kind === "bool") return this.#boolean(depth - 1);
    return kind === "number" ? this.#number(depth - 1) : this.#wide(kind, depth - 1);
  }

  #constant(kind: Kind): Expression {
    switch (kind) {
      case "bool":
        return b.bool(this.#random.chance(0.5));
      case "number":
        return b.number(
          this.#random.chance(0.8) ? this.#random.below(70000) : BigInt.asIntN(40, this.#random.interesting()),
        );
      case "u64":
        return b.wide(BigInt.asUintN(64, this.#random.interesting()));
      case "i64":
        return b.wide(BigInt.asIntN(64, this.#random.interesting()), "i64");
    }
  }

  #sequence(kind: Kind, depth: number): Expression {
    const before = this.#visible;
    this.#visible = [...before];
    this.#inExpression++;
    const body = [this.#let(0), ...this.#assign()];
    const value = this.#expression(kind, depth);
    this.#inExpression--;
    this.#visible = before;
    return b.sequence(body, value);
  }

  #boolean(depth: number): Expression {
    const random = this.#random;
    const kind = random.pick(["number", "number", "u64", "i64"] as const);
    switch (random.below(6)) {
      case 0:
        return b.not(this.#expression("bool", depth));
      case 1:
        return b.both(this.#expression("bool", depth), this.#expression("bool", depth));
      case 2:
        return b.oneOf(this.#expression("bool", depth), this.#expression("bool", depth));
      case 3: {
        const optional = b.conditional(
          this.#condition(depth),
          b.some(this.#expression(kind, depth)),
          b.none(types[kind]),
        );
        return b.compare(random.pick(["equal", "notEqual"]), optional, b.some(this.#expression(kind, depth)));
      }
      default: {
        const operator = random.pick(["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const);
        return b.compare(operator, this.#expression(kind, depth), this.#expression(kind, depth));
      }
    }
  }

  #number(depth: number): Expression {
    const random = this.#random;
    const refs = this.#visible.filter((one) => one.type.kind === "ref");
    switch (random.below(9)) {
      case 0:
        return b.convert(random.pick(widths), this.#expression(random.pick(["number", "u64", "i64", "bool"]), depth));
      case 1:
        return b.packetLength();
      case 2: {
        if (refs.length === 0) return b.convert("number", this.#expression("bool", depth));
        const ref = this.#locals.use(random.pick(refs).local);
        const field = random.pick(["half", "word", "small", "signed"]);
        return b.load(random.chance(0.7) ? b.field(ref, field) : b.element(b.field(ref, "list"), this.#index(8)));
      }
      case 3:
      case 4:
        return b.binary(
          random.pick(["and", "or", "xor"]),
          this.#expression("number", depth),
          this.#expression("number", depth),
        );
      case 5:
        return b.binary(
          random.pick(["shiftLeft", "shiftRight", "shiftRightUnsigned"]),
          this.#expression("number", depth),
          random.chance(0.9) ? b.number(random.below(32)) : this.#expression("number", depth),
        );
      case 6:
        return b.binary(
          random.pick(["divide", "remainder"]),
          this.#expression("number", depth),
          this.#expression("number", depth),
        );
      case 7:
        return random.chance(0.5)
          ? b.bitNot(this.#expression("number", depth))
          : b.negate(this.#expression("number", depth));
      default: {
        // Products of two unbounded operands are mostly refused: one is kept small.
        const right = random.chance(0.8)
          ? b.convert("u16", this.#expression("number", depth))
          : this.#expression("number", depth);
        return b.binary(
          random.pick(["add", "subtract", "multiply"]),
          b.convert("i32", this.#expression("number", depth)),
          right,
        );
      }
    }
  }

  #wide(kind: "u64" | "i64", depth: number): Expression {
    const random = this.#random;
    const refs = this.#visible.filter((one) => one.type.kind === "ref");
    switch (random.below(5)) {
      case 0:
        return b.convert(kind, this.#expression(random.pick(["number", "u64", "i64", "bool"]), depth));
      case 1:
        if (kind === "u64" && refs.length > 0)
          return b.load(b.field(this.#locals.use(random.pick(refs).local), "wide"));
        return b.bitNot(this.#expression(kind, depth));
      case 2: {
        const count = random.chance(0.9) ? b.wide(random.below(64), kind) : this.#expression(kind, depth);
        return b.binary(
          random.pick(["shiftLeft", "shiftRight", "shiftRightUnsigned"]),
          this.#expression(kind, depth),
          count,
        );
      }
      default: {
        const operator = random.pick([
          "add",
          "subtract",
          "multiply",
          "divide",
          "remainder",
          "and",
          "or",
          "xor",
        ] as const);
        return b.binary(operator, this.#expression(kind, depth), this.#expression(kind, depth));
      }
    }
  }
}
