import assert from "node:assert/strict";
import { test } from "node:test";
import { compileClean } from "../compiler/frontend/testing.ts";
import { IovisorError } from "../errors.ts";
import { skipWithoutBpf } from "../kernel/testing.ts";
import { hooks } from "../language/kinds.ts";
import { loadModule } from "./load.ts";

const programHolders = {
  "program array": `
    import { onPacket, Pass, progArray } from "iovisor/kernel";
    const others = progArray({ maxEntries: 2 });
    export default onPacket(() => { others.tailCall(0); return Pass; });`,
  "device map": `
    import { devMap, onPacket } from "iovisor/kernel";
    const others = devMap({ maxEntries: 2 });
    export default onPacket(() => others.redirect(0));`,
};

for (const [what, source] of Object.entries(programHolders)) {
  test(`a ${what} serves programs of one type`, { skip: skipWithoutBpf }, () => {
    const module = compileClean(source);
    const program = module.programs[0]!;
    const [xdp, tcx] = [hooks.xdp, hooks["tcx-ingress"]].map((hook) => ({ program, hook }));
    for (const one of [xdp!, tcx!]) loadModule(module, [one])[Symbol.dispose]();
    assert.throws(
      () => loadModule(module, [xdp!, tcx!]),
      (cause) => {
        assert.ok(cause instanceof IovisorError);
        assert.equal(cause.code, "E_USAGE");
        assert.match(cause.message, new RegExp(`the ${what} "others" cannot serve xdp and tcx-ingress`));
        return true;
      },
    );
  });
}
