/** The access list against its model, a slice: `npm run fuzz -- --kind acl` goes on where it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aclModule, aclSubject, runAclCase } from "../../../fuzz/functions/acl.ts";
import { InterpreterWitness, KernelWitness, MachineWitness } from "../../../fuzz/functions/witness.ts";
import { buildPacket } from "../../capture/packet.ts";
import type { JsonObject } from "../../engine/host/host-side.ts";
import { skipWithoutBpf } from "../../kernel/testing.ts";
import { AclModel } from "./model.ts";

const outcomes = new Map<string, number>();

for (const hook of ["xdp", "tcx"] as const) {
  describe(`the access list at ${hook} does what its model does`, () => {
    for (const seed of [1, 2, 3, 4]) {
      it(`from seed ${seed}`, async (t) => {
        t.diagnostic(`seed ${seed}`);
        using interpreter = new InterpreterWitness(hook);
        using machine = new MachineWitness(hook);
        using kernel = skipWithoutBpf ? undefined : new KernelWitness(hook);
        const witnesses = [interpreter, machine, ...(kernel ? [kernel] : [])];
        const report = runAclCase({ seed, frames: 300, hook }, await aclModule(), witnesses);
        assert.equal(report.failure, undefined);
        for (const [name, count] of Object.entries(report.outcomes))
          outcomes.set(name, (outcomes.get(name) ?? 0) + count);
      });
    }
  });
}

describe("the frames of these tests", () => {
  it("come to every end", () => {
    for (const name of ["forward", "rule", "default", "truncated", "forward after others"])
      assert.ok((outcomes.get(name) ?? 0) > 0, `none ended with ${name}`);
  });
});

describe("a rule with a port", () => {
  const config: JsonObject = { rules: [{ action: "accept", destinationPort: 22 }] };
  const cases = [
    ["eth / ip 192.0.2.1 > 192.0.2.2 / tcp 1000 > 22 / payload 20", "forward"],
    ["eth / ip 192.0.2.1 > 192.0.2.2 / udp 1000 > 22 / payload 20", "forward"],
    ["eth / ip 192.0.2.1 > 192.0.2.2 / tcp 22 > 1000 / payload 20", "drop"],
    ["eth / ip 192.0.2.1 > 192.0.2.2 / icmp echo-request / payload 40", "drop"],
  ] as const;
  for (const [text, kind] of cases) {
    it(`${kind}s ${text}`, async () => {
      using witness = new MachineWitness("xdp");
      witness.configure(aclSubject(await aclModule(), config));
      const frame = buildPacket(text);
      assert.equal(witness.run({ port: 0, ticks: 1n, frame, tag: undefined }).kind, kind);
      assert.equal(new AclModel(config).decide({ port: 0, bytes: frame }).outcome === "forward", kind === "forward");
    });
  }
});
