import { holdsOpaque } from "../hir/equality.ts";
import { isScalar, type Layout } from "../hir/layout.ts";
import type { Expression } from "../hir/tree.ts";
import type { Region } from "../hir/types.ts";
import type { Checker } from "./checker.ts";
import { forgetFacts } from "./facts.ts";
import { copiesOpaque, kernelMemory, partOfContext, readOnly } from "./findings.ts";

const writable: ReadonlySet<Region> = new Set(["packet", "map", "local", "record"]);

/**
 * A reference whose bytes are read here, as a scalar or as a whole. Kernel memory is read by its fields only; of a
 * context record whole fields, which for aggregates only the records of tracepoints allow (tp_prog_is_valid_access
 * takes any aligned place, sock_addr_is_valid_access certain ones).
 */
export function checkReadable(c: Checker, ref: Expression, at: number): void {
  if (ref.type.kind !== "ref") return;
  const { region, layout } = ref.type;
  if (region === "kernel") c.report(kernelMemory(at));
  if (isScalar(layout)) return;
  if (holdsOpaque(layout)) c.report(copiesOpaque(at));
  if (region === "context" && !isReadWhole(c, layout)) c.report(partOfContext(at, "another field"));
}

/** An IPv6 address of struct bpf_sock_addr is read in two halves (bpf_ctx_wide_access_ok, Linux 5.3). */
function isReadWhole(c: Checker, layout: Layout): boolean {
  return c.routine.kind === "tracepoint" || (c.routine.kind === "cgroupConnect6" && isAddress(layout));
}

export function isAddress(layout: Layout): boolean {
  return layout.kind === "bytes" && layout.length === 16;
}

/** A reference whose bytes are written here. */
export function checkWritable(c: Checker, ref: Expression, at: number): void {
  if (ref.type.kind !== "ref") return;
  const { region, layout } = ref.type;
  if (!writable.has(region)) c.report(readOnly(at, region));
  if (!isScalar(layout) && holdsOpaque(layout)) c.report(copiesOpaque(at));
  if (region === "packet" || region === "local") forgetFacts(c.state, region);
}
