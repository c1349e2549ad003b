import type { Hook } from "../../language/kinds.ts";
import type { LoopStrategy } from "../hir/loop-forms.ts";
import type { SettingValues } from "../hir/settings.ts";
import type { Expression } from "../hir/tree.ts";

export interface LowerOptions {
  readonly hook: Hook;
  /** How loops are made that are not plain. */
  readonly longLoops: LoopStrategy;
  /**
   * For a program that was too much for the verifier: all loops in a form that it checks once, and no numbers that tell
   * paths apart. It has less to walk, and the machine somewhat more to do.
   */
  readonly fewPaths?: boolean;
  /** Whether the kernel has `may_goto`, Linux 6.9: walks over rules use it. */
  readonly mayGoto?: boolean;
  /** The kernel's types, for programs that read kernel structures. */
  readonly kernel?: KernelTypes;
  /** Resolved settings: the rules that `match` compiles. Absent: the defaults. */
  readonly settings?: SettingValues;
  /** What the checker proved about numbers. */
  readonly ranges?: ReadonlyMap<Expression, Range>;
}

/**
 * The options for a function that the kernel calls back. It has no `may_goto`: the verifier of Linux 6.18 loses its way
 * through a callback's history behind one (__mark_chain_precision, kernel/bpf/verifier.c: "stack slot 4, total slots
 * 0"), and has been seen to read where nothing is.
 */
export function calledBack<Options extends LowerOptions>(options: Options): Options {
  return { ...options, mayGoto: false };
}

export interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

/** Where a field of a kernel structure lies, from the kernel's own BTF. */
export interface KernelField {
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  /** Only a part of the `size` bytes at `offset`: a bit field, a narrow argument. `shift` from the lowest bit. */
  readonly bits?: { readonly shift: number; readonly width: number };
  /** The field is an array or an embedded structure: its address is its value. */
  readonly aggregate: boolean;
  /** The field is a pointer. */
  readonly pointer: boolean;
}

/** What lowering asks about the running kernel; made from BTF outside of the compiler. */
export interface KernelTypes {
  /**
   * The arguments of a BTF tracepoint are the fields of a structure `btf_trace_NAME`, by their positions ("0", "1").
   * @returns undefined when the structure or the field does not exist in this kernel.
   */
  field(struct: string, path: readonly string[]): KernelField | undefined;
}
