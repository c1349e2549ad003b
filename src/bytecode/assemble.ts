import { mnemonics } from "./assemble-mnemonics.ts";
import { assemblyError, Operands } from "./assemble-operands.ts";
import type { Instruction } from "./instruction.ts";

interface Statement {
  readonly line: number;
  readonly mnemonic: string;
  readonly operands: readonly string[];
  readonly slot: number;
}

/**
 * Instructions from assembly text in the syntax of the public bpf_conformance suite: one statement per line,
 * destination first.
 *
 *     # a comment
 *     mov32 %r0, 1            add sub mul div sdiv mod smod or and xor lsh rsh arsh mov neg; 64 bits without suffix
 *     movsx864 %r0, %r1       from 8, 16 or 32 bits to 32 or 64
 *     be16 %r0                be, le, swap (or bswap) of 16, 32, 64
 *     ldxdw %r1, [%r2+8]      ldxb ldxh ldxw ldxdw, signed ldxsb ldxsh ldxsw
 *     stxw [%r10-8], %r1      stw [%r10-8], 5
 *     lock fetch_add is written: lock fetch add [%r1+0], %r2 (add32 for 4 bytes); xchg, cmpxchg
 *     lddw %r1, 0x123456789   64-bit immediate
 *     jeq %r0, 5, label       or +N / -N slots; jne jgt jge jlt jle jset jsgt jsge jslt jsle, ja, ja32, may_goto
 *     call 5                  call helper NAME, call local LABEL, call runtime BTF_ID, call %r1
 *     label:
 *     exit                    the first exit is also the target of the label "exit"
 *
 * Throws `E_FORMAT` with the line number.
 */
export function assemble(text: string): Instruction[] {
  const labels = new Map<string, number>();
  const statements = readStatements(text, labels);
  return statements.map((statement) => encodeStatement(statement, labels));
}

function readStatements(text: string, labels: Map<string, number>): Statement[] {
  const statements: Statement[] = [];
  let slot = 0;
  text.split("\n").forEach((raw, index) => {
    const line = index + 1;
    const words = splitWords(raw);
    const mnemonic = words[0];
    if (mnemonic === undefined) {
      return;
    }
    if (mnemonic.endsWith(":")) {
      defineLabel(labels, mnemonic.slice(0, -1), slot, line);
      return;
    }
    statements.push({ line, mnemonic, operands: words.slice(1), slot });
    slot += mnemonic === "lddw" ? 2 : 1;
  });
  const firstExit = statements.find((statement) => statement.mnemonic === "exit");
  if (firstExit !== undefined && !labels.has("exit")) {
    labels.set("exit", firstExit.slot);
  }
  return statements;
}

/** Words are separated by blanks and commas; blanks inside brackets do not count. */
function splitWords(raw: string): string[] {
  const code = raw.replace(/#.*$/, "").replace(/\[[^\]]*\]/g, (place) => place.replaceAll(/\s/g, ""));
  return code.split(/[\s,]+/).filter((word) => word !== "");
}

function defineLabel(labels: Map<string, number>, name: string, slot: number, line: number): void {
  if (labels.has(name)) {
    throw assemblyError(line, `label "${name}" is defined twice`);
  }
  labels.set(name, slot);
}

function encodeStatement(statement: Statement, labels: ReadonlyMap<string, number>): Instruction {
  const entry = mnemonics.get(statement.mnemonic);
  if (entry === undefined) {
    throw assemblyError(statement.line, `unknown mnemonic "${statement.mnemonic}"`);
  }
  const operands = new Operands(statement.line, statement.operands, (label) => {
    const slot = labels.get(label);
    return slot === undefined ? undefined : slot - statement.slot - 1;
  });
  if (entry.operands !== undefined && entry.operands !== operands.length) {
    throw assemblyError(
      statement.line,
      `${statement.mnemonic} takes ${entry.operands} operands, not ${operands.length}`,
    );
  }
  return entry.make(operands);
}
