import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadModule } from "../src/engine/load.ts";
import { compileSource } from "../src/engine/source.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { hooks } from "../src/language/kinds.ts";

const skip = skipWithoutBpf;

test("at TCX the verifier walks what follows the pull once", { skip, timeout: 60_000 }, async () => {
  const { module } = await compileSource(join(import.meta.dirname, "../examples/balancer.ts"), { cache: false });
  const [program] = module.programs;
  const processed = (hook: "xdp" | "tcx-ingress"): number => {
    using loaded = loadModule(module, [{ program: program!, hook: hooks[hook] }], { statistics: true });
    return loaded.entries[0]!.statistics!.processed;
  };
  const [atXdp, atTcx] = [processed("xdp"), processed("tcx-ingress")];
  assert.ok(atTcx < 1.5 * atXdp, `${atTcx} instructions at TCX, ${atXdp} at XDP`);
});
