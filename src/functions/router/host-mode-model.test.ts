/** Host mode in three witnesses against its model: random routes in a real kernel, and frames. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Tally } from "../../../fuzz/functions/frames.ts";
import { runHostRouterCase } from "../../../fuzz/functions/host-router.ts";
import { routerModule } from "../../../fuzz/functions/router.ts";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { findDevice } from "../../kernel/devices.ts";
import { skipWithoutBpf } from "../../kernel/testing.ts";

const skip = skipWithoutBpf || skipWithoutNetwork;

function network() {
  return testNetwork({
    wires: [1, 2, 3, 4].map((number) => [
      {
        host: "router",
        device: `lan${number}`,
        addresses: [`10.0.${number}.1/24`, `2001:db8:${number}::1/64`],
        mac: `02:00:00:00:01:0${number}`,
      },
      { host: "others", device: `eth${number}` },
    ]),
    forwarding: ["router"],
    resolveNeighbours: true,
  });
}

describe("the router in host mode does what its model does", { skip }, () => {
  const tally = new Tally();
  for (const hook of ["xdp", "tcx"] as const) {
    for (const seed of [1, 2, 3]) {
      it(`from seed ${seed} at ${hook}`, async () => {
        using net = network();
        const host = net.host("router");
        const indexes = new Map(
          [1, 2, 3, 4].map((number) => [number, findDevice(`lan${number}`, host.namespace).index]),
        );
        const { failure, outcomes } = runHostRouterCase({ seed, hook, frames: 400 }, await routerModule(), {
          host,
          indexes,
        });
        assert.equal(failure, undefined);
        tally.add(outcomes);
      });
    }
  }

  it("with frames that come to every end", () => {
    const reasons = ["unreachable", "prohibited", "localOrNoRoute", "noNeighbour", "tooBig", "notForRouter", "header"];
    const others = ["address", "hopLimit", "otherDevice", "sourceCheck"];
    for (const why of [...reasons, ...others]) assert.ok(tally.of(`left ${why}`) > 0, `left ${why}`);
    for (const kind of ["forward", "drop"]) assert.ok(tally.of(kind) > 0, kind);
  });
});
