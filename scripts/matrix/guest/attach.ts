import type { LoadedEntry } from "../../../src/engine/load.ts";
import { traceSpec } from "../../../src/engine/targets.ts";
import { Cgroup } from "../../../src/kernel/cgroups.ts";
import { supports } from "../../../src/kernel/features.ts";
import { attach, parseAttachSpec } from "../../../src/kernel/hooks.ts";
import { testPair } from "../../../test/network/network.ts";

const group = "iov-matrix";

/** Attaches a program to a target made for it, and takes it away again. @returns in words how it was attached. */
export function attachBriefly({ program, hook, kernelProgram }: LoadedEntry): string {
  if (hook.packetModel) {
    using network = testPair();
    const { namespace } = network.host("a");
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
