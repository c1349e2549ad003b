/**
 * Every example in this kernel: each program is compiled for what the kernel can do, loaded for each of its hooks and
 * attached for an instant. Packet programs then get packets, here and in the virtual machine: same verdicts, same
 * bytes.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readModule } from "../../../src/compiler/hir/serialise.ts";
import type { Module } from "../../../src/compiler/hir/tree.ts";
import { type LoadedEntry, loadModule } from "../../../src/engine/load.ts";
import { jobFolder } from "../records.ts";
import { attachBriefly } from "./attach.ts";
import { check } from "./emit.ts";
import { placesOf, readJob } from "./job.ts";
import { comparePackets } from "./packets.ts";

for (const name of readJob().examples) {
  const module = readModule(readFileSync(join(jobFolder, `${name}.hir.json`), "utf8"));
  const several = module.programs.length > 1;
  for (const place of placesOf(module)) {
    const { program, hook } = place;
    const what = `${name}${several ? ` ${program.name}` : ""} ${hook.name}`;
    check("examples", what, () => {
      using loaded = loadModule(module, [place]);
      return tryOut(module, loaded.entries[0]!);
    });
  }
}

function tryOut(module: Module, entry: LoadedEntry): string {
  const parts = [`${entry.instructions} instructions`];
  // Programs of a device map get no test runs (bpf_prog_test_run_xdp, net/bpf/test_run.c).
  if (entry.hook.packetModel && !entry.hook.unattached)
    parts.push(`${comparePackets(module, entry)} packets as in the VM`);
  parts.push(attachBriefly(entry));
  return parts.join(", ");
}
