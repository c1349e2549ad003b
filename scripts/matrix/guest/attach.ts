import assert from "node:assert/strict";
import type { LoadedEntry } from "../../../src/engine/load.ts";
import { traceSpec } from "../../../src/engine/targets.ts";
import { Cgroup } from "../../../src/kernel/cgroups.ts";
import { findDevice } from "../../../src/kernel/devices.ts";
import { supports } from "../../../src/kernel/features.ts";
import { attach, parseAttachSpec } from "../../../src/kernel/hooks.ts";
import { deviceWithProgramBytes } from "../../../src/kernel/maps/devices.ts";
import { deviceAt, KernelMap, setDevice } from "../../../src/kernel/maps.ts";
import type { NetworkNamespace } from "../../../src/kernel/namespaces.ts";
import type { KernelProgram } from "../../../src/kernel/programs.ts";
import { testPair } from "../../../test/network/network.ts";

const group = "iov-matrix";

/** Attaches a program to a target made for it, and takes it away again. @returns in words how it was attached. */
export function attachBriefly({ program, hook, kernelProgram }: LoadedEntry): string {
  if (hook.packetModel) {
    using network = testPair();
    const { namespace } = network.host("a");
    if (hook.unattached) return nameInDeviceMap(kernelProgram, namespace);
    attach(kernelProgram, parseAttachSpec(`${hook.name}:eth0`), { namespace }).detach();
    return hook.packetModel === "skb" && !supports("tcx") ? "attached by clsact" : "attached";
  }
  if (hook.name.startsWith("cgroup-")) {
    using made = Cgroup.create(group);
    try {
      attach(kernelProgram, parseAttachSpec(`${hook.name}:${made.path}`)).detach();
    } finally {
      made.remove();
    }
    return "attached";
  }
  attach(kernelProgram, traceSpec(program)).detach();
  return "attached";
}

/** Lets an entry of a device map name the program: that is all that ever runs it. */
function nameInDeviceMap(program: KernelProgram, namespace: NetworkNamespace): string {
  const layout = { keySize: 4, valueSize: deviceWithProgramBytes, maxEntries: 1 } as const;
  using map = KernelMap.create({ name: "iov_matrix", type: "devmap", ...layout });
  setDevice(map, 0, { ifindex: findDevice("eth0", namespace).index, program, namespace });
  assert.equal(deviceAt(map, 0)?.programId, program.info().id);
  return "in a device map";
}
