import { findingCodes } from "./check/findings.ts";
import { type Position, unpackPosition } from "./hir/position.ts";
import type { Module } from "./hir/tree.ts";

/** What is wrong and what to write instead; where it is comes from whoever found it. */
export interface Message {
  /** "IOV1001" for what this compiler finds, "TS2322" for what tsc finds. */
  readonly code: string;
  readonly message: string;
  /** What to write instead; tsc's own messages have none. */
  readonly remedy?: string;
}

/** A message with its place. Lines and columns are 1-based, as tsc prints them. */
export interface Diagnostic extends Message {
  /** Path of the source, as it was given or found. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters from there on are meant; 0 when that is not known. */
  readonly length: number;
}

/** A row of the table: a factory of messages, and what the errors page says of them. */
export interface MessageFactory<Args extends readonly never[] | readonly unknown[]> {
  (...args: Args): Message;
  readonly code: string;
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
}

function row<Args extends readonly unknown[]>(
  code: string,
  meaning: string,
  remedy: string,
  text: (...args: Args) => string | readonly [message: string, remedy: string],
): MessageFactory<Args> {
  const make = (...args: Args): Message => {
    const made = text(...args);
    return typeof made === "string" ? { code, message: made, remedy } : { code, message: made[0], remedy: made[1] };
  };
  return Object.assign(make, { code, meaning, remedy });
}

/** IOV1...: what the language does not have. */
const syntax = {
  unsupported: row(
    "IOV1001",
    "A construct of TypeScript that kernel code does not have.",
    "Write it with the constructs of docs/language.md.",
    (what: string, instead: string) => [`kernel code has no ${what}`, instead] as const,
  ),
  anyType: row(
    "IOV1002",
    "The type `any` switches the checks off on which the kernel's verifier relies.",
    "Name the type, or use a type parameter.",
    () => "the type any is not allowed in kernel code",
  ),
  nonNull: row(
    "IOV1003",
    "`!` claims that a value is there without a check; the kernel wants the check.",
    "Test it: `if (value === undefined) return Pass;`.",
    () => "'!' claims without a check that the value is there",
  ),
  unsafeCast: row(
    "IOV1004",
    "`as` claims a type without a check.",
    "Convert with u8(), u16(), u32(), u64() ..., or give the variable a type; `as const` is fine.",
    (type: string) => `'as ${type}' claims a type without a check`,
  ),
  suppressedCheck: row(
    "IOV1005",
    "A comment switches tsc's checks off.",
    "Remove the comment and mend what it hides.",
    (comment: string) => `${comment} is not allowed in kernel code`,
  ),
  typePredicate: row(
    "IOV1006",
    "A function's type predicate claims a type without a check.",
    "Return a bool or an optional value, and test that.",
    () => "a type predicate claims a type without a check",
  ),
  unboundedLoop: row(
    "IOV1007",
    "`while` and `do` loops have no bound that the kernel could be shown.",
    "Write `for (let i = 0; i < LIMIT; i++)` and leave it with `break`.",
    (keyword: string) => `a ${keyword} loop has no provable bound`,
  ),
  uncountedLoop: row(
    "IOV1008",
    "A `for` loop counts one variable from a start to an end by a constant step, and nothing else.",
    "Write `for (let i = start; i < end; i++)`; `i += step` and `i <= end` are fine, too.",
    (why: string, instead?: string) => {
      const message = `this for loop does not count: ${why}`;
      return instead === undefined ? message : ([message, instead] as const);
    },
  ),
  fallThrough: row(
    "IOV1009",
    "A case of a `switch` runs into the next one.",
    "End the case with break, return or continue; write `case 1: case 2:` for a shared body.",
    () => "this case falls through to the next one",
  ),
  looseEquality: row(
    "IOV1010",
    "`==` and `!=` convert before they compare.",
    "Write === or !==.",
    (operator: string) => `kernel code has no ${operator}`,
  ),
  nestedAssignment: row(
    "IOV1011",
    "An assignment stands inside of an expression.",
    "Make it a statement of its own.",
    () => "an assignment inside of an expression",
  ),
  fraction: row(
    "IOV1012",
    "Kernel code calculates with integers only.",
    "Use integers, if need be in a smaller unit.",
    (literal: string) => `${literal} is not an integer`,
  ),
  largeNumber: row(
    "IOV1013",
    "A number literal beyond 2^53 is not exact in TypeScript.",
    "Write it as a bigint: 0xffff_ffff_ffff_ffffn.",
    (literal: string) => `${literal} is too large for a number`,
  ),
  moduleStatement: row(
    "IOV1014",
    "Module scope is for declarations of constants, layouts, maps, settings, functions and programs.",
    "Use const; state that changes belongs into a map, work into a handler.",
    (what: string) => `${what} at module scope`,
  ),
  foreignImport: row(
    "IOV1015",
    "Kernel code imports iovisor/kernel, iovisor/kernel/headers and other kernel modules by relative path.",
    "Move what both sides need into a kernel module, and what needs Node into the function's host side.",
    (specifier: string) => `"${specifier}" is no kernel module`,
  ),
  foreignGlobal: row(
    "IOV1016",
    "Kernel code has no globals of Node or of the browser.",
    "Use what iovisor/kernel exports.",
    (name: string, instead: string) => [`kernel code has no ${name}`, instead] as const,
  ),
  tooDeep: row(
    "IOV1017",
    "Expressions, statements, loops or layouts are nested more deeply than the compiler follows.",
    "Give parts of it names of their own: a const, a list with `for...of`, or a function.",
    (what: string) => what,
  ),
};

/** IOV2...: values and types that tsc lets pass. */
const values = {
  division: row(
    "IOV2001",
    "`/` on numbers gives fractions in TypeScript; the kernel has none.",
    "Say that the fraction is dropped: `u32(a / b)`; bigints need nothing.",
    () => "this division may give a fraction",
  ),
  mixedIntegers: row(
    "IOV2002",
    "Two kinds of integers meet in one operation or assignment.",
    "Convert one of them: u64(x), i64(x), u32(x).",
    (left: string, right: string) => `${left} and ${right} do not mix`,
  ),
  referenceEquality: row(
    "IOV2003",
    "`===` on structs would compare where they lie, not what they hold.",
    "Use equal(a, b), or compare fields.",
    () => "=== on structs compares references",
  ),
  layoutMismatch: row(
    "IOV2004",
    "A value lies in memory in another way than the place it is copied to.",
    "Convert it field by field: `{ ...value }`.",
    (got: string, wanted: string) => `this is laid out as ${got}, which is not the layout of ${wanted}`,
  ),
  rebinding: row(
    "IOV2005",
    "A variable that refers to a struct keeps referring to it.",
    "Use const, and a new const for another struct; copy contents by field.",
    (name: string) => `"${name}" refers to a struct and cannot be made to refer to another`,
  ),
  runtimeString: row(
    "IOV2006",
    "Text exists at compile time only.",
    "Use bytes(n), an enumeration, or send numbers and let the host make text of them.",
    () => "text is not available in the kernel",
  ),
  compileTimeOnly: row(
    "IOV2007",
    "Functions, layouts, maps and the like are compile-time values: they cannot be stored or chosen at run time.",
    "Choose with if or switch and use the value inside of each branch.",
    (what: string) => `${what} exists at compile time only`,
  ),
  notConstant: row(
    "IOV2008",
    "What stands here must be known at compile time.",
    "Use a literal, a module constant, or something made of these.",
    (what: string, instead?: string) => {
      const message = `${what} must be a constant`;
      return instead === undefined ? message : ([message, instead] as const);
    },
  ),
  notVerdict: row(
    "IOV2009",
    "A handler returns a verdict of its kind of program, not a number.",
    "Return Pass, Drop, transmit() or redirect(ifindex); Allow or Deny from connect programs.",
    () => "this is not a verdict of this kind of program",
  ),
  recursion: row(
    "IOV2010",
    "A function calls itself, directly or by others; the kernel's programs do not.",
    "Use a counted loop.",
    (name: string) => `"${name}" calls itself`,
  ),
  runtimeAtModuleScope: row(
    "IOV2011",
    "Module scope is evaluated by the compiler; nothing of the kernel is there yet.",
    "Move it into a handler.",
    (what: string) => `${what} is not available at module scope`,
  ),
  unplacedStruct: row(
    "IOV2013",
    "An object literal has no layout of its own.",
    "Make it with a layout: `Key({ source, port })`.",
    () => "this object has no layout",
  ),
  changingBound: row(
    "IOV2014",
    "The end of a counted loop changes while the loop runs.",
    "Put the end into a const before the loop.",
    () => "the end of this loop is not fixed",
  ),
  assignedCounter: row(
    "IOV2015",
    "The body of a counted loop assigns its counter.",
    "Use another variable, or continue and break.",
    (name: string) => `the loop's body assigns its counter "${name}"`,
  ),
  readOnly: row(
    "IOV2016",
    "What is assigned cannot be changed: a constant, a setting, a kernel object, a compile-time object.",
    "Use let for a variable; a layout's value for an object that changes.",
    (what: string, instead?: string) => {
      const message = `${what} cannot be assigned`;
      return instead === undefined ? message : ([message, instead] as const);
    },
  ),
  wrongProgramKind: row(
    "IOV2017",
    "An operation is not available in this kind of program or callback.",
    "See docs/language.md for what each kind of program may use.",
    (operation: string, kind: string) => `${operation} is not available in ${kind}`,
  ),
  unexpectedValue: row(
    "IOV2018",
    "A value of one kind stands where another is needed.",
    "Give what is asked for, or convert.",
    (wanted: string, got: string) => `expected ${wanted}, got ${got}`,
  ),
  unknownMember: row(
    "IOV2019",
    "The compiler knows no such member or function.",
    "Use the members that the editor offers.",
    (name: string) => `"${name}" is not known to the compiler`,
  ),
  differentShapes: row(
    "IOV2020",
    "The sides of a choice, or the returns of a function, give values that cannot share a variable.",
    "Give values of one type, one layout and one region from all sides.",
    (left: string, right: string) => `one side gives ${left}, another ${right}`,
  ),
  indexOutOfRange: row(
    "IOV2021",
    "A constant index is out of range.",
    "Use an index from 0 to the length minus 1.",
    (index: string, length: number) => `index ${index} is out of range: there are ${length}`,
  ),
  lockedReturn: row(
    "IOV2022",
    "The body of withLock leaves before its end.",
    "Return once, at the end of the body, and decide behind the lock.",
    (what: string) => `${what} inside of withLock`,
  ),
  unrolledTooFar: row(
    "IOV2023",
    "The expanded program is too large: a loop over constants or nested calls multiply.",
    "Use for (const i of range(n)), fewer constants, or a map.",
    (limit: number, what = "statements") => `this expands to more than ${limit} ${what}`,
  ),
  notAtomic: row(
    "IOV2026",
    "An atomic operation needs an aligned 32- or 64-bit integer of a live map value.",
    "Use a u32, i32, u64 or i64 field of what map.ref() gives.",
    () => "this place has no atomic operations",
  ),
  constantRange: row(
    "IOV2024",
    "A constant does not fit where it is used.",
    "Use a wider type, or convert to say that bits are dropped: u16(x).",
    (value: string, type: string) => `${value} does not fit ${type}`,
  ),
  shiftCount: row(
    "IOV2025",
    "A constant shift count is out of range.",
    "Shift numbers by 0 to 31, u64 and i64 by 0n to 63n.",
    (count: string, limit: number) => `a shift by ${count}: only 0 to ${limit} is possible`,
  ),
  mixedChoices: row(
    "IOV2028",
    "Two settings are choices among different names: in the kernel they are numbers that do not compare.",
    "Compare each of them with a name.",
    () => "these are choices among different names",
  ),
  captured: row(
    "IOV2029",
    "The callback of a timer or of forEach uses a variable of the code around it, which is gone when the kernel calls it.",
    "Keep it in a map, in the entry's own value, or take it from the callback's key and value.",
    (name: string) => `"${name}" is a variable around this callback`,
  ),
  changingCallback: row(
    "IOV2030",
    "A callback leads to itself with other constants around it: there would be no end of callbacks.",
    "Declare the callback as a function at module scope, and give it by its name.",
    (what: string) => `${what} leads to itself with other constants`,
  ),
  notYet: row(
    "IOV2027",
    "A name is used before the line that declares it has run.",
    "Declare it above its first use, and above the calls of functions that use it.",
    (name: string) => `"${name}" is used before its declaration`,
  ),
  assignedObject: row(
    "IOV2031",
    "An object that is assigned as a whole holds scalars, and objects of scalars, only.",
    "Keep what it refers to in a const, or use a layout's value and assign its fields.",
    (what: string) => `an object that is assigned cannot hold ${what}`,
  ),
  internal: row(
    "IOV2099",
    "The compiler met a combination that it cannot translate.",
    "Write it more simply, and please report it.",
    (what: string) => `the compiler cannot translate this (${what})`,
  ),
};

/** IOV3...: declarations. */
const declarations = {
  badLayout: row(
    "IOV3001",
    "A layout is declared wrongly.",
    "See Layouts in docs/language.md.",
    (why: string) => `this layout is not possible: ${why}`,
  ),
  paddedKey: row(
    "IOV3002",
    "The kernel compares keys byte by byte, padding included; a padded key would not find itself.",
    "Order the fields by size, or fill the gap with a field of your own.",
    (name: string, field: string) => `the key ${name} has padding ${field}`,
  ),
  badMap: row(
    "IOV3003",
    "A map is declared with options that the kernel refuses.",
    "See Maps in docs/language.md.",
    (why: string) => `this map is not possible: ${why}`,
  ),
  misplaced: row(
    "IOV3004",
    "Maps, settings and programs are declared as constants at module scope.",
    "Write `export const name = ...` at the top level of the module.",
    (what: string) => `${what} must be declared at module scope`,
  ),
  badSetting: row(
    "IOV3005",
    "A setting is declared wrongly.",
    "See Settings in docs/language.md.",
    (why: string) => `this setting is not possible: ${why}`,
  ),
  handler: row(
    "IOV3006",
    "A program's handler is a function that the compiler can see.",
    "Pass an arrow function or a function of this module.",
    () => "the handler must be a function",
  ),
  duplicateName: row(
    "IOV3007",
    "Two declarations of one module (imports included) have one name.",
    "Rename one of them.",
    (what: string, name: string) => `there is another ${what} "${name}"`,
  ),
  noProgram: row(
    "IOV3008",
    "The module exports no program.",
    "Export one: `export default onPacket((packet) => Pass)`.",
    () => "this module exports no program",
  ),
  cycle: row(
    "IOV3009",
    "A constant needs itself to be evaluated.",
    "Break the circle.",
    (name: string) => `"${name}" is defined by itself`,
  ),
};

/** IOV31...: how a function stands in a graph. */
const graph = {
  badInterface: row(
    "IOV3101",
    "What a function declares for graphs (ports, reasons, metadata) is declared wrongly.",
    "See Functions of a graph in docs/language.md.",
    (what: string, why: string) => `${what} are not possible: ${why}`,
  ),
  declaredTwice: row(
    "IOV3102",
    "A module (imports included) has one declaration of ports, one of drop reasons and one of punt reasons.",
    "Put all of them into one declaration.",
    (what: string) => `the module declares ${what} a second time`,
  ),
  foreignReason: row(
    "IOV3103",
    "drop() and punt() take a constant that dropReasons() or puntReasons() of the same module gave.",
    "Name the reason: `drop(reasons.tooShort)`; choose between reasons with if.",
    (what: string) => `this is none of the module's ${what}`,
  ),
};

/** All messages of the language, by name. */
export const messages = { ...syntax, ...values, ...declarations, ...graph };

/** What the errors page lists, the flow checker's included, in the order of the codes. */
export const diagnosticCodes: readonly { readonly code: string; readonly meaning: string; readonly remedy: string }[] =
  [
    ...Object.values(messages).map(({ code, meaning, remedy }) => ({ code, meaning, remedy })),
    ...Object.entries(findingCodes).map(([code, row]) => ({ code, ...row })),
  ].sort((left, right) => (left.code < right.code ? -1 : 1));

/** The diagnostic for a place in a module's HIR. */
export function diagnosticAt(module: Pick<Module, "sources">, at: Position, message: Message): Diagnostic {
  const { source, line, column } = unpackPosition(at);
  return { ...message, file: module.sources[source]?.path ?? "?", line, column, length: 0 };
}
