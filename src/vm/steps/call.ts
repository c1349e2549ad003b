import { type Instruction, PseudoSource } from "../../bytecode/instruction.ts";
import type { Step } from "../code.ts";
import { FaultReason } from "../fault.ts";
import type { Helper } from "../helpers/helper.ts";
import { helpers } from "../helpers/table.ts";
import { kfuncs } from "../kfuncs.ts";
import { FUNCTION_HIGH, type Machine } from "../machine.ts";

/** `call`: a helper, a local function or a kernel function. Unknown ones fault when they are reached. */
export function callStep({ src, imm }: Instruction, slot: number): Step | undefined {
  switch (src) {
    case 0: {
      const helper = helpers.get(imm);
      return helper === undefined ? () => unknownHelper(imm) : (m) => callHelper(m, helper);
    }
    case PseudoSource.localCall:
      return (m) => m.enter(slot + 1 + imm, slot + 1);
    case PseudoSource.kfuncCall:
      return (m) => callHelper(m, kfuncOf(m, imm));
    default:
      return undefined;
  }
}

/** `callx`: the register holds a helper's number or the address of a local function. */
export function indirectCallStep(dst: number): Step {
  const d = dst * 2;
  return (m) => {
    const low = m.u32[d]!;
    if (m.u32[d + 1] === FUNCTION_HIGH) {
      m.enter(low, m.pc);
      return;
    }
    const helper = m.u32[d + 1] === 0 ? helpers.get(low) : undefined;
    if (helper === undefined) {
      throw new FaultReason(`r${dst} holds neither a helper's number nor a function's address`);
    }
    callHelper(m, helper);
  };
}

function callHelper(m: Machine, helper: Helper): void {
  const result = helper(m);
  m.loseArguments();
  if (typeof result === "bigint") {
    m.u64[0] = result;
  } else {
    m.u32[0] = result;
    m.i32[1] = Math.floor(result / 0x1_0000_0000);
  }
}

function unknownHelper(id: number): never {
  throw new FaultReason(`the machine has no helper ${id}`);
}

function kfuncOf(m: Machine, btfId: number): Helper {
  const name = m.code.references.kfuncNames?.get(btfId);
  const own = name === undefined ? undefined : (m.environment.kfuncs.get(name) ?? kfuncs.get(name));
  if (own === undefined) {
    throw new FaultReason(`the machine has no kernel function ${name ?? `with BTF id ${btfId}`}`);
  }
  return own;
}
