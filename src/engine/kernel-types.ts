import { type MemberLocation, member } from "../bytecode/btf-members.ts";
import type { BtfReader } from "../bytecode/btf-reader.ts";
import { tracepointArguments } from "../bytecode/btf-tracing.ts";
import type { BtfId } from "../bytecode/btf-types.ts";
import type { KernelField, KernelTypes } from "../compiler/lower/index.ts";
import { kernelTypes as runningBtf } from "../kernel/btf.ts";

/** What compiling and loading ask of a kernel's BTF. */
export interface KernelTypeSource extends KernelTypes {
  /** The type id of a kernel function that programs may call. */
  functionId(name: string): number | undefined;
  /** The type id of a BTF tracepoint's typedef: what a `tp_btf` program attaches to. */
  tracepointId(name: string): number | undefined;
}

let running: KernelTypeSource | undefined;

/** The types of the running kernel; read once. @throws NotSupported for a kernel without BTF. */
export function runningKernelTypes(): KernelTypeSource {
  running ??= kernelTypeSource(runningBtf());
  return running;
}

/** Answers from a kernel's BTF. */
export function kernelTypeSource(btf: BtfReader): KernelTypeSource {
  return {
    field(struct, path) {
      const tracepoint = /^btf_trace_(.+)$/.exec(struct)?.[1];
      if (tracepoint !== undefined) return argumentField(btf, tracepoint, path);
      const id = btf.findStruct(struct) ?? btf.findUnion(struct);
      const location = id === undefined ? undefined : member(btf, id, memberPath(path));
      return location && describe(btf, location);
    },
    functionId: (name) => btf.findFunc(name),
    tracepointId: (name) => btf.findTypedef(`btf_trace_${name}`),
  };
}

/** Steps as BTF's paths have them: numbers are indexes. */
function memberPath(path: readonly string[]): string {
  return path.reduce((text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : text ? `${text}.${step}` : step), "");
}

/** An argument of a BTF tracepoint, by its position: 64 bits each, of which an integer's own are taken. */
function argumentField(btf: BtfReader, tracepoint: string, [step = ""]: readonly string[]): KernelField | undefined {
  const index = Number(step);
  const argument = tracepointArguments(btf, tracepoint)?.[index];
  if (!argument) return undefined;
  const type = btf.type(btf.resolve(argument.type));
  const size = btf.sizeOf(argument.type) ?? 8;
  const place = { offset: index * 8, size: 8, aggregate: false, pointer: type?.kind === "ptr" };
  const signed = isSigned(btf, argument.type);
  return size < 8 ? { ...place, signed, bits: { shift: 0, width: size * 8 } } : { ...place, signed };
}

function describe(btf: BtfReader, location: MemberLocation): KernelField | undefined {
  const type = btf.type(btf.resolve(location.type));
  if (!type) return undefined;
  if (location.bitfieldSize > 0) return bitField(location);
  const aggregate = type.kind === "struct" || type.kind === "union" || type.kind === "array";
  return {
    offset: location.bitOffset / 8,
    size: location.size ?? 0,
    signed: isSigned(btf, location.type),
    aggregate,
    pointer: type.kind === "ptr",
  };
}

function isSigned(btf: BtfReader, id: BtfId): boolean {
  const type = btf.type(btf.resolve(id));
  if (type?.kind === "int") return type.encoding === "signed";
  return (type?.kind === "enum" || type?.kind === "enum64") && type.signed;
}

/** The smallest aligned unit that holds all bits of a bit field (little-endian). */
function bitField({ bitOffset, bitfieldSize }: MemberLocation): KernelField | undefined {
  for (const size of [1, 2, 4, 8]) {
    const unit = Math.floor(bitOffset / (size * 8)) * size;
    const shift = bitOffset - unit * 8;
    if (shift + bitfieldSize > size * 8) continue;
    return {
      offset: unit,
      size,
      signed: false,
      bits: { shift, width: bitfieldSize },
      aggregate: false,
      pointer: false,
    };
  }
  return undefined;
}
