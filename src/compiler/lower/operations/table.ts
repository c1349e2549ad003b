import { NotSupported } from "../../../errors.ts";
import { type GraphOperation, type OperationName, operationNamed } from "../../../language/operations.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Lowered } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { lowerRuleField, lowerRuleIndex } from "../match.ts";
import { lowerAtomic } from "./atomics.ts";
import { lowerEqual } from "./bytes.ts";
import { lowerForEach, lowerTimerCancel, lowerTimerStart } from "./callbacks.ts";
import { lowerReplaceChecksum } from "./checksum.ts";
import { lowerClearNotes, lowerSetNote, lowerTakeNote } from "./frame-note.ts";
import { lowerDelete, lowerEmit, lowerGet, lowerPush, lowerRef, lowerSet, lowerTailCall, lowerTake } from "./maps.ts";
import {
  lowerAt,
  lowerGsoSize,
  lowerIngressIfindex,
  lowerLength,
  lowerQueue,
  lowerVlanProtocol,
  lowerVlanTag,
} from "./packet.ts";
import { lowerEmitPacket } from "./packet-event.ts";
import { lowerAdjustRoom, lowerPopVlan, lowerPushVlan, lowerSetLength } from "./resize.ts";
import { lowerFibLookup } from "./routing.ts";
import { ingress, lowerCloneTo, lowerDevice, lowerMarkHandled, lowerSetType, lowerTakeHandled } from "./skb.ts";
import { lowerCommand, lowerHalf, lowerKernelAddress, lowerPlainHelper, lowerReadString } from "./tracing.ts";
import {
  lowerBroadcast,
  lowerBroadcastIn,
  lowerDeliverMap,
  lowerRedirect,
  lowerRedirectIngress,
  lowerRedirectMap,
  lowerTransmit,
  lowerVerdict,
} from "./verdicts.ts";

type LowerOperation = (l: Lowering, e: OperationExpression) => Lowered;

/** What a graph decides is gone when functions are composed. */
type LoweredOperation = Exclude<OperationName, GraphOperation>;

/** One row per operation of the language; a missing one does not compile. */
const table: Readonly<Record<LoweredOperation, LowerOperation>> = {
  "verdict.pass": lowerVerdict("pass"),
  "verdict.drop": lowerVerdict("drop"),
  "verdict.transmit": lowerTransmit,
  "verdict.redirect": lowerRedirect,
  "verdict.redirectMap": lowerRedirectMap,
  "verdict.broadcast": lowerBroadcast,
  "verdict.broadcastIn": lowerBroadcastIn,
  "verdict.redirectIngress": lowerRedirectIngress,
  "verdict.deliverMap": lowerDeliverMap,
  "verdict.allow": lowerVerdict("allow"),
  "verdict.deny": lowerVerdict("deny"),
  "packet.length": lowerLength,
  "packet.at": lowerAt,
  "packet.ingressIfindex": lowerIngressIfindex,
  "packet.queue": lowerQueue,
  "packet.gsoSize": lowerGsoSize,
  "packet.vlanTag": lowerVlanTag,
  "packet.vlanProtocol": lowerVlanProtocol,
  "packet.setLength": lowerSetLength,
  "packet.adjustRoom": lowerAdjustRoom,
  "packet.pushVlan": lowerPushVlan,
  "packet.popVlan": lowerPopVlan,
  "packet.cloneTo": lowerCloneTo(0),
  "packet.cloneToHost": lowerCloneTo(ingress),
  "packet.setType": lowerSetType,
  "packet.device": lowerDevice,
  "packet.markHandled": lowerMarkHandled,
  "packet.takeHandled": lowerTakeHandled,
  "packet.setNote": lowerSetNote,
  "packet.takeNote": lowerTakeNote,
  "packet.clearNotes": lowerClearNotes,
  "packet.fibLookup": lowerFibLookup,
  "packet.replaceChecksum": lowerReplaceChecksum,
  "map.get": lowerGet,
  "map.ref": lowerRef,
  "map.set": lowerSet,
  "map.delete": lowerDelete,
  "map.forEach": lowerForEach,
  "timer.start": lowerTimerStart,
  "timer.cancel": lowerTimerCancel,
  "queue.push": lowerPush,
  "queue.pop": lowerTake(helpers.mapPop.id),
  "queue.peek": lowerTake(helpers.mapPeek.id),
  "ring.emit": lowerEmit,
  "ring.emitPacket": lowerEmitPacket,
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

/** What leaves by another device than the hook's own. */
const redirecting: ReadonlySet<string> = new Set([
  "verdict.transmit",
  "verdict.redirect",
  "verdict.redirectMap",
  "verdict.broadcast",
  "verdict.redirectIngress",
  "verdict.deliverMap",
]);

/** @throws NotSupported for what this hook cannot do */
function requireHook({ options: { hook } }: Lowering, { operation }: OperationExpression): void {
  const model = operationNamed(operation)?.packetModel;
  const misplaced = model !== undefined && model !== hook.packetModel;
  if (!misplaced && !(redirecting.has(operation) && hook.verdicts["redirect"] === undefined)) return;
  const [verb] = operation.split(".").slice(1);
  throw new NotSupported(`${operation} at ${hook.name}`, `a program at ${hook.name} cannot ${verb} packets`, {
    remedy: "use another hook for this function",
  });
}

export function lowerOperation(l: Lowering, e: OperationExpression): Lowered {
  const lower = table[e.operation as LoweredOperation];
  if (!lower) throw new Error(`HIR is not well formed: no operation ${e.operation}`);
  requireHook(l, e);
  return lower(l, e);
}
