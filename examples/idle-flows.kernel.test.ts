import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { skipWithout } from "../src/kernel/features.ts";
import { objectIds } from "../src/kernel/programs.ts";
import { udpFrame } from "../test/network/frames.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, type Place, tryOut } from "./testing.host.ts";

type IdleFlows = typeof import("./idle-flows.ts");
const source = new URL("./idle-flows.ts", import.meta.url);
const from = (address: string) => buildPacket(`eth / ip ${address} > 10.0.0.2 / udp 1 > 2`);
const millisecond = 1_000_000n;
const start = 1000n * 1000n * millisecond;
const settings = { idleMilliseconds: 250, sweepMilliseconds: 100 };

for (const place of everywhere.filter(({ machine }) => machine === "vm")) {
  test(`ends flows that are idle, and only those (${place.name})`, async () => {
    using table = await tryOut<IdleFlows>(place, source, settings);
    const at = (milliseconds: number) => start + BigInt(milliseconds) * millisecond;
    table.run(from("10.0.0.1"), at(0));
    table.run(from("10.0.0.1"), at(10));
    assert.equal(table.advance(at(119)), 1, "the sweep at 100 arms itself for 200");
    table.run(from("10.0.0.3"), at(120));
    assert.equal(table.advance(at(259)), 1, "the packet behind it arms it for 220 instead");
    assert.equal(table.map("flows").entries().length, 2);
    assert.equal(table.advance(at(320)), 1);
    assert.deepEqual(table.events("ended"), [
      { source: 0x0a00_0001, destination: 0x0a00_0002, packets: 2n, bytes: 84n },
    ]);
    assert.deepEqual(
      table
        .map("flows")
        .entries()
        .map(([flow]) => flow.source),
      [0x0a00_0003],
    );
    assert.equal(table.advance(at(10_000)), 1, "no sweep when nothing is left");
    assert.equal(table.map("flows").entries().length, 0);
    assert.equal(table.map("sweeper").get(0)?.sweeps, 4n);
  });
}

const skipTimers = skipWithout("timers", "for-each");

/** Asks until it holds, for at most three seconds. */
async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 3000; performance.now() < end; await sleep(10)) if (holds()) return;
  assert.fail(`never: ${what}`);
}

for (const place of everywhere.filter(({ machine }) => machine === "kernel")) {
  test(`the kernel's timer ends flows (${place.name})`, { skip: place.skip || skipTimers, timeout: 20_000 }, () =>
    sweepsByItself(place),
  );
}

async function sweepsByItself(place: Place): Promise<void> {
  using table = await tryOut<IdleFlows>(place, source, settings);
  for (const address of ["10.0.0.1", "10.0.0.1", "10.0.0.3"]) table.run(from(address));
  assert.equal(table.map("flows").entries().length, 2);
  await eventually("the flows end", () => table.map("flows").entries().length === 0);
  const { sweeps, armed } = table.map("sweeper").get(0)!;
  assert.ok(sweeps >= 3n, `the timer fired ${sweeps} times`);
  assert.equal(armed, 0);
  const events = table.events("ended").sort((a, b) => a.source - b.source);
  assert.deepEqual(
    events.map((one) => [one.source, one.packets]),
    [
      [0x0a00_0001, 2n],
      [0x0a00_0003, 1n],
    ],
  );
  await sleep(250);
  assert.equal(table.map("sweeper").get(0)?.sweeps, sweeps, "an empty table is left alone");
}

/** Whether a program is still in the kernel. */
function exists(programId: number): boolean {
  return [...objectIds("program")].includes(programId);
}

const skipReplacing = skipWithoutNetwork || skipTimers;

test("a replaced program's callback goes on until the new one arms the timer", {
  skip: skipReplacing,
  timeout: 30_000,
}, async () => {
  using network = testPair();
  using sender = network.host("a").packets("eth0");
  using table = await load<IdleFlows>(source, { settings: { idleMilliseconds: 60_000, sweepMilliseconds: 50 } });
  const attachment = table.attach("xdp:eth0", { netns: network.host("b").namespace });
  const sweeps = (): bigint => table.maps.sweeper.get(0)!.sweeps;
  const old = attachment.programId;
  sender.send(udpFrame({ payload: "first" }));
  await eventually("the timer fires", () => sweeps() >= 2n);
  const { kept } = table.configure({ idleMilliseconds: 1 });
  assert.deepEqual([...kept].sort(), ["ended", "flows", "sweeper"]);
  const before = sweeps();
  await eventually("the old callback goes on", () => sweeps() >= before + 3n);
  assert.equal([...table.maps.flows].length, 1, "by its own settings");
  assert.ok(exists(old), "the timer keeps the old program");
  sender.send(udpFrame({ payload: "second" }));
  await eventually("the new callback ends the flow", () => [...table.maps.flows].length === 0);
  await eventually("the old program goes", () => !exists(old));
});

test("closing a function ends its timers", { skip: skipReplacing, timeout: 30_000 }, async () => {
  using network = testPair();
  using sender = network.host("a").packets("eth0");
  let program: number;
  {
    using table = await load<IdleFlows>(source, { settings: { idleMilliseconds: 60_000, sweepMilliseconds: 10 } });
    program = table.attach("xdp:eth0", { netns: network.host("b").namespace }).programId;
    sender.send(udpFrame({ payload: "first" }));
    await eventually("the timer fires", () => table.maps.sweeper.get(0)!.sweeps >= 2n);
    assert.ok(exists(program));
  }
  await eventually("the program goes", () => !exists(program));
});
