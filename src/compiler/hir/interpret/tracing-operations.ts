import type { OperationName } from "../../../language/operations.ts";
import { sizeOf } from "../layout.ts";
import type { Call, Rule } from "./operations.ts";
import { asInteger, asMemory, asReference, referenceToBytes } from "./values.ts";

/** bpf_probe_read_kernel_str: at most the destination's size with the zero; the bytes copied, 0 on a fault. */
function readString(call: Call, space: "kernel" | "user"): bigint {
  const { node, args, machine } = call;
  const target = asMemory(args[0], node.at);
  const size = sizeOf(target.layout);
  const found = machine.kernel(node.at).string(asInteger(args[1], node.at), space);
  if (!found || size === 0) return 0n;
  const copied = found.subarray(0, size - 1);
  target.storage.bytes.set(copied, target.offset);
  target.storage.bytes[target.offset + copied.length] = 0;
  return BigInt(copied.length + 1);
}

export const tracingOperations = {
  "process.id": ({ machine, node }) => BigInt(machine.process(node.at).id),
  "process.threadId": ({ machine, node }) => BigInt(machine.process(node.at).threadId),
  "process.userId": ({ machine, node }) => BigInt(machine.process(node.at).userId),
  "process.cgroupId": ({ machine, node }) => machine.process(node.at).cgroupId,
  "process.command"({ machine, node }) {
    const bytes = new Uint8Array(sizeOf(node.layout!));
    const command = new TextEncoder().encode(machine.process(node.at).command);
    bytes.set(command.subarray(0, bytes.length - 1));
    return referenceToBytes("local", bytes, node.layout!);
  },
  "kernel.readString": (call) => readString(call, "kernel"),
  "kernel.readUserString": (call) => readString(call, "user"),
  "kernel.address"({ machine, node, args }) {
    const reference = asReference(args[0], node.at);
    return machine.kernel(node.at).address(reference.kind === "object" ? reference.object : reference.storage.bytes);
  },
} satisfies Partial<Record<OperationName, Rule>>;
