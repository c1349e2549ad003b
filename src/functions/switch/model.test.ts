/** The switch against its model, a slice: `npm run fuzz -- --kind switch` goes on where it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atBothHooks, testSlice } from "../../../fuzz/functions/slice.ts";
import { runSwitchCase, subjectOf, switchModule } from "../../../fuzz/functions/switch.ts";
import { MachineWitness } from "../../../fuzz/functions/witness.ts";
import host from "./host.ts";

testSlice({
  name: "the switch",
  cases: atBothHooks([1, 2, 3, 4]),
  run: async (chosen, witnesses) =>
    runSwitchCase({ ...chosen, frames: 300, changes: 1 }, await switchModule(), witnesses),
  wanted: [
    "forwarded",
    "flooded",
    "samePort",
    "ingressVlan",
    "untagged",
    "badSource",
    "nestedTag",
    "forwarded service tag",
    "flooded service tag",
    "forwarded two tags",
    "flooded two tags",
  ],
});

describe("a station that the host side deletes", () => {
  it("is unknown within a second", async () => {
    using witness = new MachineWitness("xdp");
    const ports = [0, 1].map((number) => ({ name: `p${number}`, number, config: {}, linked: true, device: undefined }));
    witness.configure(subjectOf(await switchModule(), host, { name: "sw", config: {}, ports }));
    const [a, b] = [Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2)];
    const send = (port: number, to: Uint8Array, from: Uint8Array, ticks: bigint) =>
      witness.run({ port, ticks, frame: Uint8Array.of(...to, ...from, 8, 0, ...new Uint8Array(46)), tag: undefined })
        .kind;
    assert.equal(send(0, b, a, 1000n), "flood");
    assert.equal(send(1, a, b, 1000n), "forward");
    witness.delete("fdb", { mac: a, vlan: 1 });
    assert.equal(send(1, a, b, 1000n + 250n), "flood");
  });
});

describe("storm control", () => {
  it("lets a second's worth pass at once, then as many as the time that went by is worth", async () => {
    using witness = new MachineWitness("xdp");
    const config = { storm: { broadcast: 10 } };
    const ports = [0, 1].map((number) => ({ name: `p${number}`, number, config, linked: true, device: undefined }));
    witness.configure(subjectOf(await switchModule(), host, { name: "sw", config: {}, ports }));
    const frame = Uint8Array.of(255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 0, ...new Uint8Array(46));
    const passed = (ticks: bigint): number =>
      Array.from({ length: 20 }, () => witness.run({ port: 0, ticks, frame, tag: undefined }).kind).filter(
        (kind) => kind === "flood",
      ).length;
    // At 250 ticks per second a packet is worth 25 of them.
    assert.deepEqual([1000n, 1024n, 1025n, 1100n, 1100n + 10_000n].map(passed), [10, 0, 1, 3, 10]);
  });
});
