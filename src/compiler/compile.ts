import { BtfBuilder } from "../bytecode/btf-builder.ts";
import type { FunctionRecord, LineRecord } from "../bytecode/btf-ext.ts";
import type { Instruction } from "../bytecode/instruction.ts";
import type { Hook } from "../language/kinds.ts";
import { generate, type LineEntry, type Target } from "./codegen/index.ts";
import { typeOfFunction } from "./emit/functions.ts";
import type { LoopStrategy } from "./hir/loop-forms.ts";
import { type Position, unpackPosition } from "./hir/position.ts";
import type { SettingValues } from "./hir/settings.ts";
import type { Expression, Module, Program, Source } from "./hir/tree.ts";
import type { IrFunction, IrProgram } from "./ir/ir.ts";
import { type Continuation, type KernelTypes, lowerChain, type Range } from "./lower/index.ts";
import { optimize } from "./passes/index.ts";

/** How one program is made. */
export interface CompileOptions {
  readonly hook: Hook;
  readonly target: Target;
  readonly longLoops: LoopStrategy;
  /** See `LowerOptions`. */
  readonly fewPaths?: boolean;
  readonly mayGoto?: boolean;
  /** 0: as lowered, for tests; 2: all passes. */
  readonly optimization: 0 | 2;
  /** Registers of the allocator between calls; fewer than there are make it spill, for tests. */
  readonly registers?: number;
  readonly checkAllocation?: boolean;
  readonly kernel?: KernelTypes;
  readonly settings?: SettingValues;
  readonly ranges?: ReadonlyMap<Expression, Range>;
  /** Gets each stage as it is made: "lowered", the name of each pass, "optimized". */
  readonly observe?: (stage: string, ir: IrProgram) => void;
}

/** A reference to a map in the code, by the map's name. */
export interface CompiledMapReference {
  /** Index into `instructions`. */
  readonly index: number;
  readonly slot: number;
  readonly map: string;
  /** For the address of a byte of the map's value. */
  readonly offset?: number;
}

/** A program ready to be loaded, written as ELF or run in the VM: plain data. */
export interface CompiledProgram {
  readonly name: string;
  readonly hook: Hook;
  /** A tracepoint's name. */
  readonly target?: string;
  readonly license: string;
  readonly instructions: readonly Instruction[];
  readonly mapReferences: readonly CompiledMapReference[];
  /** Calls of kernel functions; the instruction's `imm` is the type id in the running kernel's BTF. */
  readonly kernelFunctions: readonly { readonly index: number; readonly slot: number; readonly name: string }[];
  readonly btf: BtfBuilder;
  readonly functions: readonly FunctionRecord[];
  readonly lines: readonly LineRecord[];
  /** Bytes of stack of the deepest chain of calls. */
  readonly stackDepth: number;
}

/**
 * Compiles one program of a checked and specialised module for one hook.
 *
 * @throws MissingKernelType, StackTooLarge
 */
export function compileProgram(module: Module, program: Program, options: CompileOptions): CompiledProgram {
  return compileChain(module, program, [program], options);
}

/** Compiles a chain of packet functions to one program; see `lowerChain`. */
export function compileChain(
  module: Module,
  named: Pick<Program, "name" | "target">,
  programs: readonly Program[],
  options: CompileOptions,
  continuation?: Continuation,
): CompiledProgram {
  const ir = lowerChain(module, named.name, programs, options, continuation);
  options.observe?.("lowered", ir);
  if (options.optimization > 0) {
    optimize(ir, {
      littleEndian: options.target.littleEndian,
      ...(options.observe ? { after: (pass) => options.observe?.(pass, ir) } : {}),
    });
    options.observe?.("optimized", ir);
  }
  return emitProgram(module, named, ir, options);
}

/** Bytecode and type information of a program in IR. */
export function emitProgram(
  module: Module,
  program: Pick<Program, "name" | "target">,
  ir: IrProgram,
  options: Pick<CompileOptions, "hook" | "target" | "registers" | "checkAllocation">,
): CompiledProgram {
  const code = generate(ir, {
    target: options.target,
    nameOfPlace: (at) => nameOfPlace(module, at),
    ...(options.registers === undefined ? {} : { registers: options.registers }),
    ...(options.checkAllocation === undefined ? {} : { checkAllocation: options.checkAllocation }),
  });
  const btf = new BtfBuilder();
  return {
    name: program.name,
    hook: options.hook,
    ...(program.target === undefined ? {} : { target: program.target }),
    license: "GPL",
    instructions: code.instructions,
    mapReferences: code.mapReferences.map(({ index, slot, map, kind, offset }) => ({
      index,
      slot,
      map: module.maps[map]!.name,
      ...(kind === "value" ? { offset } : {}),
    })),
    kernelFunctions: code.kfuncs,
    btf,
    functions: code.functions.map(({ name, slot, linkage, parameterKinds }) => ({
      slot,
      type: typeOfFunction(btf, { name, linkage, parameterKinds } satisfies Partial<IrFunction>, options.hook),
    })),
    lines: lineRecords(module, code.lines),
    stackDepth: code.stackDepth,
  };
}

/** What messages call a place: its line, and its file where that is another than the module's own. */
function nameOfPlace(module: Module, at: Position): string {
  const { source, line } = unpackPosition(at);
  const path = source === 0 ? undefined : module.sources[source]?.path;
  return path === undefined ? `line ${line}` : `line ${line} of ${path}`;
}

/** Line info with the text of each source line; the verifier's log quotes it. */
function lineRecords(module: Module, lines: readonly LineEntry[]): readonly LineRecord[] {
  return lines.map(({ slot, at }) => {
    const { source, line, column } = unpackPosition(at);
    const from = module.sources[source];
    return {
      slot,
      file: from?.path ?? module.name,
      text: (from && linesOf(from)[line - 1]) ?? "",
      line,
      column: Math.max(column, 1),
    };
  });
}

/** The lines of each source, trimmed: modules that are compiled again and again share their sources. */
const knownLines = new WeakMap<Source, { readonly text: string; readonly lines: readonly string[] }>();

function linesOf(source: Source): readonly string[] {
  const known = knownLines.get(source);
  if (known?.text === source.text) return known.lines;
  const lines = source.text.split("\n").map((line) => line.trim());
  knownLines.set(source, { text: source.text, lines });
  return lines;
}
