/** Programs as people write them whose ways multiply for a verifier that tells them apart. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadModule } from "../src/engine/load.ts";
import { compileSource } from "../src/engine/source.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { hooks } from "../src/language/kinds.ts";

/** Instructions that the verifier may walk: about twice of what it does. Most were refused at a million. */
const programs: Readonly<Record<string, number>> = {
  "byte-then-word": 200,
  "copied-name": 25_000,
  depth: 6_000,
  "dns-answers": 20_000,
  "first-free-place": 3_000,
  "flag-bits": 2_000,
  "flags-in-a-loop": 15_000,
  "options-in-a-loop": 8_000,
  score: 500,
  words: 10_000,
};

for (const [name, most] of Object.entries(programs)) {
  test(`${name} is short work for the verifier`, { skip: skipWithoutBpf, timeout: 60_000 }, async () => {
    const { module } = await compileSource(join(import.meta.dirname, "verifier-programs", `${name}.ts`), {
      cache: false,
    });
    for (const hook of [hooks.xdp, hooks["tcx-ingress"]]) {
      using loaded = loadModule(module, [{ program: module.programs[0]!, hook }], { statistics: true });
      const { processed } = loaded.entries[0]!.statistics!;
      assert.ok(processed <= most, `${processed} instructions at ${hook.name}`);
    }
  });
}
