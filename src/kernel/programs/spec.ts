/** What a program is, as plain data: no descriptor, no kernel. */
import type { Instruction } from "../../bytecode/instruction.ts";
import { type attachTypes, nameOf, type ProgramTypeName, programTypes } from "../sys/constants.ts";

/** An attach type by name. */
export type AttachTypeName = keyof typeof attachTypes;

/** An `lddw` that loads a map's address, or with `offset` the address of that byte of an array map's values. */
export interface MapReference {
  /** Index into `instructions` (not the slot). */
  readonly index: number;
  /** The map's name in the `maps` that are given at load. */
  readonly map: string;
  readonly offset?: number;
}

/** Type information of a program. */
export interface ProgramBtf {
  /** An encoded BTF object. */
  readonly data: Uint8Array;
  /** `struct bpf_func_info` records: one per function, the entry function first. */
  readonly functionInfo: Uint8Array;
  /** `struct bpf_line_info` records. */
  readonly lineInfo?: Uint8Array;
}

/** A program before it is loaded. */
export interface ProgramSpec {
  /** The kernel keeps the first 15 characters; letters, digits, `_` and `.`. */
  readonly name: string;
  /** BPF_PROG_TYPE_*. */
  readonly type: ProgramTypeName | number;
  /** BPF_* attach type, where the type wants it at load. */
  readonly expectedAttachType?: AttachTypeName | number;
  readonly instructions: readonly Instruction[];
  readonly mapReferences?: readonly MapReference[];
  /** "GPL" where helpers ask for it. */
  readonly license: string;
  readonly btf?: ProgramBtf;
  /** The kernel function or tracepoint to attach to (tracing, LSM), as a type id in vmlinux's BTF. */
  readonly attachBtfId?: number;
  /** BPF_F_*; see `programFlags`. */
  readonly flags?: number;
}

/** The type's name, for messages. */
export function programTypeName(spec: Pick<ProgramSpec, "type">): string {
  return typeof spec.type === "string" ? spec.type : nameOf(programTypes, spec.type);
}
