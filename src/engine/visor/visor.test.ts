import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { VisorBench } from "../../../test/network/visor-bench.ts";
import { createVethPair } from "../../kernel/devices.ts";
import { deleteLink } from "../../kernel/netlink/change-link.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

test("a graph outlives its visor, and the next one takes it over with its state", options, async () => {
  using bench = new VisorBench();
  await bench.with(async (visor) => {
    const { revision, loaded } = await visor.apply(await bench.graph(7));
    assert.equal(revision.state, "committed");
    assert.deepEqual(loaded, ["tcx:c1"]);
    assert.equal(await bench.probe(), 7);
  });
  assert.equal(await bench.probe(), 7);
  await bench.with(async (visor) => {
    assert.equal(visor.revision?.number, 1);
    const { actions } = await visor.plan(await bench.graph(7));
    assert.deepEqual(
      actions.map((action) => action.kind),
      ["keep"],
    );
    const value = visor.running.map("c1", "seen")!.map.lookup(new Uint8Array(4))!;
    assert.equal(new DataView(value.buffer).getBigUint64(0, true), 2n);
    await visor.apply(await bench.graph(8));
    assert.equal(await bench.probe(), 8);
    await visor.rollback(1);
    assert.equal(await bench.probe(), 7);
    assert.deepEqual(
      (await visor.revisions()).map(({ number, state }) => [number, state]),
      [
        [3, "committed"],
        [2, "committed"],
        [1, "committed"],
      ],
    );
    await visor.teardown();
  });
  assert.equal(await bench.probe(), undefined);
});

test("after a reboot the last revision is applied again", options, async () => {
  using bench = new VisorBench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(5));
    // What a reboot leaves of it: nothing in the kernel, the store as it was.
    visor.running.detachAll();
    visor.running.dataPath.pins.removeAll();
  });
  assert.equal(await bench.probe(), undefined);
  await bench.with(async (visor) => {
    assert.equal(await bench.probe(), 5);
    await visor.teardown();
  });
});

test("a device that goes and comes back is attached to again", options, async () => {
  using bench = new VisorBench();
  const middle = bench.net.host("middle");
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(3));
    using netlink = middle.netlink();
    deleteLink(netlink, "lan1");
    await visor.refresh();
    assert.equal(await bench.probe().catch(() => undefined), undefined);
    createVethPair(
      { name: "lan1", namespace: middle.namespace },
      { name: "eth0", namespace: bench.net.host("a").namespace },
    );
    await visor.refresh();
    assert.equal(await bench.probe(), 3);
    await visor.teardown();
  });
});

test("a change for another revision than the live one is refused", options, async () => {
  using bench = new VisorBench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(1), { expected: 0 });
    await assert.rejects(visor.apply(await bench.graph(2), { expected: 0 }), { code: "E_CONFLICT" });
    assert.equal(await bench.probe(), 1);
    await visor.teardown();
  });
});

test("a graph that is refused is not a revision", options, async () => {
  using bench = new VisorBench();
  await bench.with(async (visor) => {
    await visor.apply(await bench.graph(1));
    await assert.rejects(visor.apply(await bench.graph(2, { nonsense: 1 })), { code: "E_GRAPH" });
    assert.deepEqual((await visor.revisions()).length, 1);
    assert.equal(await bench.probe(), 1);
    await visor.teardown();
  });
});
