/** Notes beside a frame at XDP: its metadata, which goes with it to the program behind a device map. */
import type { Position } from "../../hir/position.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import { u64Type } from "../../hir/types.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Block, Value } from "../../ir/ir.ts";
import { lowerScalar } from "../expressions.ts";
import { type Lowered, nothing, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { loadContext, packetData } from "../packet-model.ts";
import { movingHelper, succeeds, zeroOr } from "./resize.ts";

const noteBytes = 8;
/** `data_meta` in struct xdp_md (include/uapi/linux/bpf.h). */
const dataMeta = 8;

/** The address of a note that is there, else to `failed`. */
function noteOr(l: Lowering, failed: Block, at: Position): Value {
  const { builder } = l;
  const found = builder.newBlock();
  const meta = loadContext(l, dataMeta, at);
  const end = builder.address(meta, l.constant(noteBytes, at), at);
  builder.branch({ op: "ule", width: 64, left: end, right: packetData(l), then: found, otherwise: failed, at });
  builder.seal(found);
  builder.switchTo(found);
  return meta;
}

export function lowerSetNote(l: Lowering, e: OperationExpression): Lowered {
  return succeeds(l, e.at, (failed) => {
    const value = lowerScalar(l, e.args[0]!);
    zeroOr(l, movingHelper(l, helpers.xdpAdjustMeta.id, [l.constant(-noteBytes, e.at)], e.at), failed, e.at);
    const base = noteOr(l, failed, e.at);
    l.builder.store({ size: noteBytes, base, offset: 0, value, region: "packet", at: e.at });
  });
}

export function lowerTakeNote(l: Lowering, e: OperationExpression): Lowered {
  const { builder } = l;
  const absent = builder.newBlock();
  const join = l.join(u64Type, e.at);
  const base = noteOr(l, absent, e.at);
  const note = builder.load({ size: noteBytes, signed: false, base, offset: 0, region: "packet", at: e.at });
  movingHelper(l, helpers.xdpAdjustMeta.id, [l.constant(noteBytes, e.at)], e.at);
  join.arrive(scalar(note));
  builder.seal(absent);
  builder.switchTo(absent);
  join.arrive(scalar(l.constant(-1, e.at)));
  return join.finish();
}

export function lowerClearNotes(l: Lowering, { at }: OperationExpression): Lowered {
  const { builder } = l;
  const [some, done] = [builder.newBlock(), builder.newBlock()];
  const length = builder.binary("sub", 64, packetData(l), loadContext(l, dataMeta, at), at);
  const none = l.constant(0, at);
  builder.branch({
    op: "eq",
    width: 64,
    left: length,
    right: none,
    then: done,
    otherwise: some,
    likely: "then",
    at,
  });
  builder.seal(some);
  builder.switchTo(some);
  movingHelper(l, helpers.xdpAdjustMeta.id, [length], at);
  builder.jump(done, at);
  builder.seal(done);
  builder.switchTo(done);
  return nothing;
}
