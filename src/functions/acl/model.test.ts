/** The access list against its model, a slice: `npm run fuzz -- --kind acl` goes on where it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aclModule, aclSubject, runAclCase } from "../../../fuzz/functions/acl.ts";
import { atBothHooks, testSlice } from "../../../fuzz/functions/slice.ts";
import { MachineWitness } from "../../../fuzz/functions/witness.ts";
import { buildPacket } from "../../capture/packet.ts";
import type { JsonObject } from "../../engine/host/host-side.ts";
import { AclModel } from "./model.ts";

testSlice({
  name: "the access list",
  cases: atBothHooks([1, 2, 3, 4]),
  run: async (chosen, witnesses) => runAclCase({ ...chosen, frames: 300 }, await aclModule(), witnesses),
  wanted: ["forward", "rule", "default", "truncated", "forward after others"],
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
