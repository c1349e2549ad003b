import type { BtfBuilder } from "./btf-builder.ts";
import type { CoreRelocation, FunctionRecord, LineRecord } from "./btf-ext.ts";
import type { BtfId } from "./btf-types.ts";
import type { Instruction } from "./instruction.ts";

/** What an ELF object holds, as plain data. Slots count 8-byte units from the start of a program. */
export interface ObjectSpec {
  readonly license: string;
  readonly programs: readonly ProgramSpec[];
  readonly maps: readonly MapSpec[];
  /** `.rodata`, `.data` and `.bss`, which libbpf turns into maps. */
  readonly data?: readonly DataSpec[];
  /** The types that programs and maps refer to. The writer works on a copy. */
  readonly btf: BtfBuilder;
}

export interface ProgramSpec {
  readonly name: string;
  /** libbpf's section name, which says kind and target: `xdp`, `tcx/ingress`, `tp_btf/sched_switch`. */
  readonly section: string;
  /** The program as the kernel takes it: the entry function first, its subprograms after it. */
  readonly instructions: readonly Instruction[];
  readonly mapReferences: readonly MapReference[];
  readonly dataReferences?: readonly DataReference[];
  /** Calls of kernel functions (kfuncs); `type` is a BTF `func` of linkage "extern". */
  readonly kernelFunctions?: readonly FunctionRecord[];
  /** The entry function at slot 0 and each subprogram, in order. Names and linkage come from the BTF. */
  readonly functions: readonly FunctionRecord[];
  readonly lines: readonly LineRecord[];
  readonly coreRelocations?: readonly CoreRelocation[];
}

/** An `lddw` that loads a map. */
export interface MapReference {
  readonly slot: number;
  readonly map: string;
}

/** An `lddw` that loads an address inside a data section. */
export interface DataReference {
  readonly slot: number;
  readonly section: string;
  /** Bytes from the start of the section. */
  readonly offset: number;
}

export interface MapSpec {
  readonly name: string;
  /** enum bpf_map_type. */
  readonly type: number;
  /** Bytes; 0 where the type has no key (ring buffer). */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** The types of key and value, with the sizes above. */
  readonly keyType?: BtfId;
  readonly valueType?: BtfId;
  /** The shape of the inner maps of an array or hash of maps. */
  readonly inner?: MapSpec;
}

export interface DataSpec {
  readonly section: ".rodata" | ".data" | ".bss" | `.rodata.${string}` | `.data.${string}` | `.bss.${string}`;
  readonly bytes: Uint8Array;
  readonly variables: readonly {
    readonly name: string;
    readonly type: BtfId;
    readonly offset: number;
    readonly size: number;
  }[];
}
