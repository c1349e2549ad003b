/** A slice of the fuzzers, small enough for every run of the tests. `npm run fuzz` goes on where it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { generateModule } from "./generate/module.ts";
import { checkMutation } from "./hir/mutation.ts";
import type { FuzzOptions } from "./job.ts";
import { checkProgram } from "./programs.ts";
import { shrink } from "./shrink/shrink.ts";

const seed = 2026;
const programs = 60;
const mutations = 100;

const options: FuzzOptions = {
  kind: "programs",
  seed,
  programs,
  start: 0,
  workers: 1,
  packets: 3,
  kernel: skipWithoutBpf === false,
  shrink: false,
};

describe(`generated programs of seed ${seed}`, () => {
  it("mean the same in the interpreter, the machine and the kernel, and pass the verifier", (t) => {
    if (skipWithoutBpf) t.diagnostic(`without a kernel: ${skipWithoutBpf}`);
    let refused = 0;
    for (let index = 0; index < programs; index++) {
      const { outcome, generated } = checkProgram(options, index);
      if (outcome.kind === "refused") refused++;
      else if (outcome.kind === "failed")
        assert.fail(`program ${index}: ${outcome.signature}\n${outcome.details}\n${generated.source}`);
    }
    assert.ok(refused <= programs / 20, `${refused} of ${programs} programs were refused`);
  });

  it("are the same for the same seed", () => {
    assert.equal(generateModule(seed, 7).source, generateModule(seed, 7).source);
    assert.notEqual(generateModule(seed, 7).source, generateModule(seed, 8).source);
  });

  it("are refused or behave after their HIR was damaged", () => {
    for (let index = 0; index < mutations; index++) {
      const report = checkMutation({ ...options, kind: "hir" }, index);
      if (report.kind === "finished" && report.outcome.kind === "failed")
        assert.fail(`case ${index}: ${report.outcome.signature}\n${report.outcome.details}`);
    }
  });
});

describe("shrinking", () => {
  it("keeps what a failure needs and drops the rest", () => {
    const source = [
      'import { Drop, onPacket, Pass } from "iovisor/kernel";',
      "const unused = 5;",
      "export default onPacket((packet) => {",
      "  const half = packet.length >> 1;",
      "  if (packet.length > 100) {",
      "    return Drop;",
      "  }",
      "  return Pass;",
      "});",
      "",
    ].join("\n");
    const smallest = shrink(source, (one) => one.includes("return Drop;"), { attempts: 500, milliseconds: 5000 });
    assert.match(smallest, /return Drop;/);
    assert.doesNotMatch(smallest, /unused|half|if/);
  });
});
