import assert from "node:assert/strict";
import { test } from "node:test";
import { type HookName, hooks } from "../../../language/kinds.ts";
import { link } from "../../../vm/link.ts";
import { runSkb, runXdp } from "../../../vm/run.ts";
import { compileProgram } from "../../compile.ts";
import { compileClean } from "../../frontend/testing.ts";
import { interpret } from "../../hir/interpret.ts";

const module = compileClean(`import { Drop, onPacket, Pass } from "iovisor/kernel";
export default onPacket((packet) => (packet.gsoSize > 1000 ? Drop : Pass));`);

function compile(hook: HookName) {
  return link(
    compileProgram(module, module.programs[0]!, {
      hook: hooks[hook],
      target: { isa: 3, littleEndian: true, mixedStackWrites: false },
      longLoops: "callback",
      optimization: 2,
    }),
  );
}

test("the size of segments is the packet's at skb hooks and 0 at XDP", () => {
  const packet = new Uint8Array(64);
  for (const [gsoSize, name, verdict] of [
    [1448, "drop", 2],
    [536, "pass", -1],
  ] as const) {
    const input = { hook: "tcx-ingress", packet, gsoSize } as const;
    assert.equal(interpret(module.programs[0]!, module, input).verdict?.name, name);
    assert.equal(runSkb(compile("tcx-ingress"), packet, { fields: { gso_size: gsoSize } }).verdict, verdict);
  }
  assert.equal(interpret(module.programs[0]!, module, { hook: "xdp", packet }).verdict?.name, "pass");
  assert.equal(runXdp(compile("xdp"), packet).verdict, 2);
});
