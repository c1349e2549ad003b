import type { OperationName } from "../../../language/operations.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Lowered } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { lowerRuleField, lowerRuleIndex } from "../match.ts";
import { lowerAtomic } from "./atomics.ts";
import { lowerEqual } from "./bytes.ts";
import { lowerReplaceChecksum } from "./checksum.ts";
import { lowerDelete, lowerEmit, lowerGet, lowerPush, lowerRef, lowerSet, lowerTailCall, lowerTake } from "./maps.ts";
import { lowerAt, lowerIngressIfindex, lowerLength, lowerQueue, lowerVlanTag } from "./packet.ts";
import { lowerAdjustRoom, lowerPopVlan, lowerPushVlan, lowerSetLength } from "./resize.ts";
import { lowerCommand, lowerHalf, lowerKernelAddress, lowerPlainHelper, lowerReadString } from "./tracing.ts";
import { lowerRedirect, lowerRedirectMap, lowerTransmit, lowerVerdict } from "./verdicts.ts";

type LowerOperation = (l: Lowering, e: OperationExpression) => Lowered;

/** One row per operation of the language; a missing one does not compile. */
const table: Readonly<Record<OperationName, LowerOperation>> = {
  "verdict.pass": lowerVerdict("pass"),
  "verdict.drop": lowerVerdict("drop"),
  "verdict.transmit": lowerTransmit,
  "verdict.redirect": lowerRedirect,
  "verdict.redirectMap": lowerRedirectMap,
  "verdict.allow": lowerVerdict("allow"),
  "verdict.deny": lowerVerdict("deny"),
  "packet.length": lowerLength,
  "packet.at": lowerAt,
  "packet.ingressIfindex": lowerIngressIfindex,
  "packet.queue": lowerQueue,
  "packet.vlanTag": lowerVlanTag,
  "packet.setLength": lowerSetLength,
  "packet.adjustRoom": lowerAdjustRoom,
  "packet.pushVlan": lowerPushVlan,
  "packet.popVlan": lowerPopVlan,
  "packet.replaceChecksum": lowerReplaceChecksum,
  "map.get": lowerGet,
  "map.ref": lowerRef,
  "map.set": lowerSet,
  "map.delete": lowerDelete,
  "queue.push": lowerPush,
  "queue.pop": lowerTake(helpers.mapPop.id),
  "queue.peek": lowerTake(helpers.mapPeek.id),
  "ring.emit": lowerEmit,
  "program.tailCall": lowerTailCall,
  "atomic.add": lowerAtomic("add"),
  "atomic.fetchAdd": lowerAtomic("fetchAdd"),
  "atomic.fetchAnd": lowerAtomic("fetchAnd"),
  "atomic.fetchOr": lowerAtomic("fetchOr"),
  "atomic.fetchXor": lowerAtomic("fetchXor"),
  "atomic.exchange": lowerAtomic("xchg"),
  "atomic.compareExchange": lowerAtomic("cmpxchg"),
  "time.monotonic": lowerPlainHelper(helpers.ktimeGetNs.id),
  "time.coarse": lowerPlainHelper(helpers.ktimeGetCoarseNs.id),
  "time.jiffies": lowerPlainHelper(helpers.jiffies64.id),
  "random.u32": lowerPlainHelper(helpers.getPrandomU32.id),
  "cpu.id": lowerPlainHelper(helpers.getSmpProcessorId.id),
  "process.id": lowerHalf(helpers.getCurrentPidTgid.id, "high"),
  "process.threadId": lowerHalf(helpers.getCurrentPidTgid.id, "low"),
  "process.userId": lowerHalf(helpers.getCurrentUidGid.id, "low"),
  "process.command": lowerCommand,
  "process.cgroupId": lowerPlainHelper(helpers.getCurrentCgroupId.id),
  "kernel.readString": lowerReadString(helpers.probeReadKernelStr.id),
  "kernel.readUserString": lowerReadString(helpers.probeReadUserStr.id),
  "kernel.address": lowerKernelAddress,
  "rule.index": lowerRuleIndex,
  "rule.field": lowerRuleField,
  "bytes.equal": lowerEqual,
};

export function lowerOperation(l: Lowering, e: OperationExpression): Lowered {
  const lower = table[e.operation as OperationName];
  if (!lower) throw new Error(`HIR is not well formed: no operation ${e.operation}`);
  return lower(l, e);
}
