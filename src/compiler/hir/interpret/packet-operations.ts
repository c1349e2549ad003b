import type { OperationName } from "../../../language/operations.ts";
import { fibLookupBytes, sizeOf } from "../layout.ts";
import type { Call, Rule } from "./operations.ts";
import { type Packet, tagBeside } from "./packet.ts";
import { InterpreterTrap } from "./trap.ts";
import { asInteger, asMemory, referenceTo } from "./values.ts";

/** BPF_FIB_LKUP_RET_NOT_FWDED: what a lookup gives where there are no routes. */
const notForwarded = 4;

function packetOf({ machine, node }: Call): Packet {
  return machine.packet(node.at);
}

function argument({ node, args }: Call, index: number): bigint {
  return asInteger(args[index], node.at);
}

function constant({ node }: Call, index: number): number {
  return node.constants?.[index] ?? 0;
}

/** BPF_F_BROADCAST: each device once for each of its entries. */
function devicesOf(call: Call): number[] {
  const { node, machine } = call;
  const entries = machine.map(node.map, node.at).store.entries?.();
  if (!entries) throw new InterpreterTrap("a device map whose entries cannot be listed", node.at);
  const devices = entries.map(({ values: [value] }) =>
    new DataView(value!.buffer, value!.byteOffset).getUint32(0, true),
  );
  const own = constant(call, 0) === 1 ? (machine.input.ingressIfindex ?? 1) : 0;
  return devices.filter((ifindex) => ifindex !== 0 && ifindex !== own);
}

/** The device at the key that the call's argument gives. */
function deviceAt(call: Call): bigint | undefined {
  const { store } = call.machine.map(call.node.map, call.node.at);
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, Number(BigInt.asUintN(32, argument(call, 0))), true);
  const slot = store.lookup(key, 0);
  return slot && BigInt(new DataView(slot.buffer, slot.byteOffset).getUint32(0, true));
}

const noNote = 2n ** 64n - 1n;

function clone(call: Call, way: { readonly ingress?: true }): boolean {
  const { machine } = call;
  const packet = packetOf(call);
  machine.clones.push({
    ...{ ifindex: Number(argument(call, 0)), packet: packet.storage.bytes.slice() },
    ...tagBeside(packet),
    ...way,
  });
  packet.cloned();
  return true;
}

export const packetOperations = {
  "verdict.pass": () => ({ name: "pass" }),
  "verdict.drop": () => ({ name: "drop" }),
  "verdict.allow": () => ({ name: "allow" }),
  "verdict.deny": () => ({ name: "deny" }),
  "verdict.transmit": ({ machine }) => ({ name: "transmit", ifindex: BigInt(machine.input.ingressIfindex ?? 1) }),
  "verdict.redirect": (call) => ({ name: "redirect", ifindex: argument(call, 0) }),
  "verdict.redirectMap"(call) {
    const found = deviceAt(call);
    return found === undefined ? { name: "drop" } : { name: "redirect", ifindex: found };
  },

  "verdict.deliverMap"(call) {
    const found = deviceAt(call);
    return found === undefined ? { name: "drop" } : { name: "redirect", ifindex: found, ingress: true };
  },
  "verdict.redirectIngress": (call) => ({ name: "redirect", ifindex: argument(call, 0), ingress: true }),
  "verdict.broadcastIn"({ node }) {
    throw new InterpreterTrap("maps of maps have no contents here", node.at);
  },
  "verdict.broadcast": (call) => ({ name: "redirect", broadcast: devicesOf(call) }),

  "packet.length": (call) => BigInt(packetOf(call).length),
  "packet.at"(call) {
    const packet = packetOf(call);
    const offset = argument(call, 0);
    const layout = call.node.layout!;
    return packet.holds(offset, sizeOf(layout))
      ? referenceTo("packet", packet.storage, Number(offset), layout)
      : undefined;
  },
  "packet.ingressIfindex": ({ machine }) => BigInt(machine.input.ingressIfindex ?? 1),
  "packet.queue": ({ machine }) => BigInt(machine.input.queue ?? 0),
  "packet.gsoSize": ({ machine }) => BigInt(machine.input.gsoSize ?? 0),
  "packet.vlanTag"(call) {
    const tag = packetOf(call).vlanTag;
    return tag === undefined ? undefined : BigInt(tag);
  },
  "packet.vlanProtocol"(call) {
    const protocol = packetOf(call).vlanProtocol;
    return protocol === undefined ? undefined : BigInt(protocol);
  },
  "packet.setLength": (call) => packetOf(call).setLength(argument(call, 0)),
  "packet.adjustRoom": (call) => packetOf(call).adjustRoom(constant(call, 0)),
  "packet.pushVlan": (call) =>
    packetOf(call).pushVlan(Number(BigInt.asUintN(16, argument(call, 0))), constant(call, 0)),
  "packet.cloneTo": (call) => clone(call, {}),
  "packet.cloneToHost": (call) => clone(call, { ingress: true }),
  "packet.setType": () => undefined,
  "packet.device": ({ machine }) => BigInt(machine.input.ingressIfindex ?? 1),
  "packet.markHandled"(call) {
    call.machine.handled = constant(call, 0);
    return undefined;
  },
  "packet.takeHandled"(call) {
    if (call.machine.handled !== constant(call, 0)) return false;
    call.machine.handled = undefined;
    return true;
  },
  "packet.setNote"(call) {
    call.machine.note = asInteger(call.args[0], call.node.at);
    packetOf(call).cloned();
    return true;
  },
  "packet.takeNote"(call) {
    const { note = noNote } = call.machine;
    call.machine.note = undefined;
    packetOf(call).cloned();
    return note;
  },
  "packet.clearNotes"(call) {
    call.machine.note = undefined;
    packetOf(call).cloned();
    return undefined;
  },
  "packet.popVlan": (call) => packetOf(call).popVlan(),
  "packet.fibLookup"(call) {
    const { input, hook } = call.machine;
    const { storage, offset } = asMemory(call.args[0], call.node.at);
    const lookup = storage.bytes.subarray(offset, offset + fibLookupBytes);
    const isWhole = hook.packetModel === "skb" && (input.gsoSize ?? 0) === 0;
    const request = { flags: constant(call, 0), frameLength: isWhole ? packetOf(call).length : undefined };
    return BigInt.asUintN(32, BigInt(input.fibLookup?.(lookup, request) ?? notForwarded));
  },
  "packet.replaceChecksum"(call) {
    const bits = constant(call, 0) * 8;
    return packetOf(call).replaceChecksum(argument(call, 0), {
      from: BigInt.asUintN(bits, argument(call, 1)),
      to: BigInt.asUintN(bits, argument(call, 2)),
      zeroMeansNone: constant(call, 1) === 4 && constant(call, 3) !== 0,
    });
  },
} satisfies Partial<Record<OperationName, Rule>>;
