import { type MemberLocation, members } from "./btf-members.ts";
import type { BtfReader } from "./btf-reader.ts";
import type { BtfId, BtfParameter } from "./btf-types.ts";

/** A record that a tracepoint program reads from its context. */
export interface TracepointRecord {
  readonly type: BtfId;
  /** Bytes, without what the dynamic fields point to. */
  readonly size: number;
  readonly fields: readonly TracepointField[];
}

export interface TracepointField extends MemberLocation {
  readonly name: string;
  /**
   * The field is a `__data_loc` word: the low 16 bits are the offset of the data from the record's start, the high 16
   * its length. `__rel_data_loc` counts from the end of the word itself.
   */
  readonly dynamic: "no" | "data_loc" | "rel_data_loc";
}

/**
 * The parameters of a function, a prototype, a pointer to one, or a typedef of these (`btf_trace_kfree_skb`).
 * Undefined for other types.
 */
export function functionParameters(btf: BtfReader, id: BtfId): readonly BtfParameter[] | undefined {
  const type = btf.type(btf.resolve(id));
  if (type?.kind === "func_proto") return type.parameters;
  return type?.kind === "func" || type?.kind === "ptr" ? functionParameters(btf, type.type) : undefined;
}

/**
 * The arguments of a BTF tracepoint (`tp_btf/NAME`), without the leading `void *__data` that programs never see.
 * Undefined if this kernel has no such tracepoint. The typedef gives the types; the names stand in the functions that
 * the TRACE_EVENT macros make beside it, and where none fits they are `arg0`, `arg1`, ...
 */
export function tracepointArguments(btf: BtfReader, name: string): readonly BtfParameter[] | undefined {
  const typedef = btf.findTypedef(`btf_trace_${name}`);
  const parameters = typedef === undefined ? undefined : functionParameters(btf, typedef)?.slice(1);
  if (!parameters) return undefined;
  const named = ["__bpf_trace_", "__probestub_", "__traceiter_"]
    .map((prefix) => btf.findFunc(prefix + name))
    .map((id) => (id === undefined ? undefined : functionParameters(btf, id)?.slice(1)))
    .find((found) => found?.length === parameters.length);
  return parameters.map(({ type }, index) => ({ name: named?.[index]?.name || `arg${index}`, type }));
}

/**
 * The record of a tracepoint event class (`trace_event_raw_NAME`), without the common header and the dynamic tail.
 * Most events are their own class; those made by DEFINE_EVENT have the record of their class (sched_wakeup has that of
 * sched_wakeup_template). Undefined if this kernel has no such class.
 */
export function tracepointRecord(btf: BtfReader, eventClass: string): TracepointRecord | undefined {
  const type = btf.findStruct(`trace_event_raw_${eventClass}`);
  if (type === undefined) return undefined;
  const fields = members(btf, type)
    .filter((field) => field.name !== "ent" && field.name !== "__data")
    .map((field) => ({ ...field, ...splitDynamic(field.name) }));
  return { type, size: btf.sizeOf(type) ?? 0, fields };
}

function splitDynamic(name: string): Pick<TracepointField, "name" | "dynamic"> {
  const [, kind, plain] = /^__(data_loc|rel_loc)_(.+)$/.exec(name) ?? [];
  if (plain === undefined) return { name, dynamic: "no" };
  return { name: plain, dynamic: kind === "data_loc" ? "data_loc" : "rel_data_loc" };
}
