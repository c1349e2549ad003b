import type { MachineInstruction, MachineTerminator, Source, VirtualRegister } from "./machine.ts";

/**
 * How an instruction reads a virtual register.
 *
 * - "argument": before the instruction proper, from wherever it is (call arguments, what goes to r0);
 * - "any": from wherever it is, as the value that a two-address instruction starts from;
 * - "register": from a register;
 * - "late": from a register that must not be the result's.
 */
export type UseKind = "argument" | "any" | "register" | "late";

export type UseVisitor = (value: VirtualRegister, kind: UseKind) => void;

export function forEachUse(i: MachineInstruction, visit: UseVisitor): void {
  switch (i.kind) {
    case "materialise":
      return;
    case "convert":
      visit(i.source, "register");
      return;
    case "inPlace":
      visit(i.source, "any");
      return;
    case "alu":
      source(i.left, "any", visit);
      // x op x reads its right operand from the result's register, once that has the left one.
      if (i.right.kind === "value" && !(i.left.kind === "value" && i.left.value === i.right.value)) {
        visit(i.right.value, "late");
      }
      return;
    case "load":
      source(i.base, "register", visit);
      return;
    case "store":
      source(i.base, "register", visit);
      if (i.source.kind === "value") visit(i.source.value, "register");
      return;
    case "atomic":
      atomicUses(i, visit);
      return;
    case "call":
      for (const arg of i.args) source(arg, "argument", visit);
  }
}

/** The old value overwrites the operand's register: the operand is copied to the result's first. */
export function isTiedAtomic(i: Extract<MachineInstruction, { kind: "atomic" }>): boolean {
  return i.result !== undefined && i.expected === undefined;
}

function atomicUses(i: Extract<MachineInstruction, { kind: "atomic" }>, visit: UseVisitor): void {
  if (i.expected) source(i.expected, "argument", visit);
  if (isTiedAtomic(i)) {
    source(i.base, "late", visit);
    visit(i.value, "any");
    // The same register as address and operand: keep it apart from the result's.
    return;
  }
  source(i.base, "register", visit);
  visit(i.value, "register");
}

export function forEachTerminatorUse(terminator: MachineTerminator, visit: UseVisitor): void {
  switch (terminator.kind) {
    case "jump":
    case "mayGoto":
      return;
    case "branch":
      visit(terminator.left, "register");
      if (terminator.right.kind === "value") visit(terminator.right.value, "register");
      return;
    case "return":
      source(terminator.source, "argument", visit);
  }
}

function source(of: Source, kind: UseKind, visit: UseVisitor): void {
  if (of.kind === "value") visit(of.value, kind);
}

/** The virtual register that a two-address instruction starts from, if it is one. */
export function tiedSource(i: MachineInstruction): Source | undefined {
  switch (i.kind) {
    case "inPlace":
      return { kind: "value", value: i.source };
    case "alu":
      return i.left;
    case "atomic":
      return isTiedAtomic(i) ? { kind: "value", value: i.value } : undefined;
    default:
      return undefined;
  }
}

export function machineResult(i: MachineInstruction): VirtualRegister | undefined {
  return i.kind === "store" ? undefined : i.result;
}

/** Whether the instruction may go when nobody reads its result. */
export function isRemovable(i: MachineInstruction): boolean {
  switch (i.kind) {
    case "inPlace":
      return i.op !== "remember";
    case "materialise":
    case "convert":
    case "alu":
    case "load":
      return true;
    case "store":
    case "atomic":
    case "call":
      return false;
  }
}
