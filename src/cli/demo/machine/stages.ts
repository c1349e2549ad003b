import { readFileSync } from "node:fs";
import { readCapture } from "../../../capture/read-capture.ts";
import { compileModulePrograms } from "../../../engine/compiled.ts";
import { mapSpec } from "../../../engine/map-spec.ts";
import { link } from "../../../vm/link.ts";
import { createMap } from "../../../vm/maps/create.ts";
import { runSkb, runXdp } from "../../../vm/run.ts";
import { compileExample } from "../examples.ts";
import { demand, type Say, type Stage } from "../stage.ts";

const capture = new URL("../../../../examples/demo.pcapng", import.meta.url);
const examples = ["closed-port", "dns-log"] as const;
const hooks = ["xdp", "tcx-ingress"] as const;

/** The packet functions of the demo on a capture, at both packet hooks, without a kernel. */
export function machineStages(): readonly Stage[] {
  return examples.flatMap((name) =>
    hooks.map(
      (hook): Stage => ({
        title: `${name} at ${hook}, in the virtual machine`,
        expected: "the verdicts that the capture's comments state",
        show: (say) => replay(name, hook, say),
      }),
    ),
  );
}

async function replay(name: (typeof examples)[number], hook: (typeof hooks)[number], say: Say): Promise<string> {
  const module = await compileExample(name, say);
  const { prepared, programs } = compileModulePrograms(module, { hooks: [hook] });
  const maps = Object.fromEntries(
    prepared.module.maps.map((map) => [map.name, createMap(mapSpec(prepared.module, map, new Map()))]),
  );
  const { code, hook: row } = programs[0]!;
  const linked = link(code, maps);
  const packets = readCapture(readFileSync(capture));
  const wrong: string[] = [];
  for (const [index, { bytes, comment }] of packets.entries()) {
    const { verdict } = hook === "xdp" ? runXdp(linked, bytes) : runSkb(linked, bytes);
    const expected = new RegExp(`${name} (\\w+)`).exec(comment ?? "")?.[1] ?? "pass";
    if (verdict !== row.verdicts[expected]) wrong.push(`packet ${index + 1}: ${verdict}, not ${expected}`);
  }
  say(`${packets.length} packets through ${code.instructions.length} instructions`);
  demand(wrong.length === 0, wrong.join("; "));
  return `${packets.length} of ${packets.length} as stated`;
}
