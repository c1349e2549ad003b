/** Host sides that throw: at their start, when the configuration changes, at packets, in time. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { VisorBench } from "../../../test/network/visor-bench.ts";
import { parseGraph } from "../graph/parse.ts";
import type { Graph } from "../graph/types.ts";
import type { Visor, VisorOptions } from "./visor.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

/** Passes packets on with its number, or punts them. */
const kernel = `import {
  config, drop, dropReasons, fixedPorts, forward, onPacket, punt, puntReasons, u8,
} from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ tooShort: "it is too short" });
export const causes = puntReasons({ seen: "the host side looks at it" });
export const settings = config({ number: u8.default(0, "what packets get"), punts: u8.default(0, "1: punts all") });
export default onPacket((packet) => {
  if (settings.punts > 0) return punt(causes.seen);
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  ethernet.source[5] = settings.number;
  return forward(1 - packet.port);
});
`;

/** Does what its configuration says, and cannot start while a file "broken" lies beside it. */
const host = `import { existsSync } from "node:fs";
const broken = new URL("broken", import.meta.url);
export default {
  configSchema: { properties: { fails: { type: "array", items: { type: "string" } } } },
  start({ instance, report, every }) {
    const fails = (what) => (instance.config.fails ?? []).includes(what);
    if (fails("start")) throw new TypeError("no start");
    if (existsSync(broken)) throw new Error("it is broken");
    if (fails("promise")) return Promise.reject(new Error("too late"));
    if (fails("timer")) every(20, () => { throw new Error("no time"); });
    report({ kind: "started", number: instance.config.number });
    return {
      punt() {
        report({ kind: "punt" });
        if (fails("punt")) throw new Error("no punt");
        if (fails("later")) return Promise.reject(new Error("no punt later"));
      },
      update(view) {
        report({ kind: "updated", number: view.config.number });
        if ((view.config.fails ?? []).includes("update")) throw new Error("no update");
      },
      stop() { report({ kind: "stopped" }); },
    };
  },
};
`;

class Told {
  readonly reports: string[] = [];
  readonly failures: string[] = [];
  readonly recovered: string[] = [];
  readonly options: Partial<VisorOptions> = {
    report: ({ instance, event }) => this.reports.push([instance, event.kind, event["number"] ?? ""].join(" ").trim()),
    failed: (instance, error) => this.failures.push(`${instance}: ${(error as Error).message}`),
    recovered: (instance) => this.recovered.push(instance),
  };
}

class HostBench extends VisorBench {
  readonly told = new Told();
  readonly watcher = join(this.folder, "watcher");

  constructor() {
    super();
    mkdirSync(this.watcher);
    writeFileSync(join(this.watcher, "kernel.ts"), kernel);
    writeFileSync(join(this.watcher, "host.ts"), host);
  }

  async watched(number: number, config: object = {}): Promise<Graph> {
    const { netns } = this;
    return await parseGraph({
      functions: { w1: { kind: "./watcher", config: { number, ...config } } },
      devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
      links: ["dev:lan1 -> w1.inside", "w1.outside -> dev:lan2"],
    });
  }

  async open<T>(work: (visor: Visor) => Promise<T>): Promise<T> {
    return await this.with(work, this.told.options);
  }
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 15_000;
  while (!what() && performance.now() < end) await sleep(20);
  assert.ok(what());
}

test("an apply fails with a host side that does not start, and the revision before stands", options, async () => {
  using bench = new HostBench();
  await bench.open(async (visor) => {
    await visor.apply(await bench.graph(3));
    await assert.rejects(visor.apply(await bench.watched(4, { fails: ["start"] })), {
      code: "E_HOST_SIDE",
      message: /watcher\/host\.ts:7:\d+: the host side of "w1" \(\.\/watcher\) did not start: no start$/,
    });
    assert.equal(await bench.probe(), 3);
    assert.deepEqual(Object.keys(visor.graph.functions), ["c1"]);
    assert.equal(visor.revision?.number, 1);
    const [failed] = await visor.revisions();
    assert.deepEqual([failed?.number, failed?.state], [2, "failed"]);
    assert.match(failed?.reason ?? "", /no start/);
    assert.deepEqual([...visor.running.hostSides], []);
    await visor.apply(await bench.watched(4));
    assert.equal(await bench.probe(), 4);
    assert.deepEqual(bench.told.reports, ["w1 started 4"]);
    await visor.teardown();
  });
});

test("where the new source of a host side does not start, the one before runs again", options, async () => {
  using bench = new HostBench();
  await bench.open(async (visor) => {
    await visor.apply(await bench.watched(3));
    const file = join(bench.watcher, "host.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("const fails", 'throw new Error("edited");\nconst fails'));
    await assert.rejects(visor.apply(await bench.watched(4)), { code: "E_HOST_SIDE", message: /edited/ });
    assert.equal(await bench.probe(), 3);
    assert.deepEqual(bench.told.reports, ["w1 started 3", "w1 stopped", "w1 started 3"]);
    assert.equal(visor.running.hostSides.get("w1")?.state, "running");
    await visor.teardown();
  });
});

test("a host side that does not take its configuration gets the one of before again", options, async () => {
  using bench = new HostBench();
  await bench.open(async (visor) => {
    await visor.apply(await bench.watched(3));
    await assert.rejects(visor.apply(await bench.watched(4, { fails: ["update"] })), {
      code: "E_HOST_SIDE",
      message: /"w1" \(\.\/watcher\) did not take its new configuration: no update/,
    });
    assert.equal(await bench.probe(), 3);
    assert.deepEqual(bench.told.reports, ["w1 started 3", "w1 updated 4", "w1 updated 3"]);
    await visor.apply(await bench.watched(5));
    assert.equal(await bench.probe(), 5);
    await visor.teardown();
  });
});

test("a start that gives a promise is refused, and its failure ends nothing", options, async () => {
  using bench = new HostBench();
  await bench.open(async (visor) => {
    const wanted = await bench.watched(4, { fails: ["promise"] });
    await assert.rejects(visor.apply(wanted), { code: "E_HOST_SIDE", message: /gave a promise/ });
    await until(() => bench.told.failures.length > 0);
    assert.deepEqual(bench.told.failures, ["w1: too late"]);
    assert.equal(await bench.probe(), undefined);
    await visor.teardown();
  });
});

test("one that does not start after a restart is tried again, and the rest works", options, async () => {
  using bench = new HostBench();
  await bench.open(async (visor) => void (await visor.apply(await bench.watched(3))));
  const broken = join(bench.watcher, "broken");
  writeFileSync(broken, "");
  await bench.open(async (visor) => {
    const health = visor.running.hostSides.get("w1");
    assert.equal(health?.state, "failed");
    assert.equal(health.failures, 1);
    assert.match(health.message ?? "", /did not start: it is broken/);
    assert.ok(health.nextStart! > new Date());
    assert.equal(await bench.probe(), 3);
    await until(() => (visor.running.hostSides.get("w1")?.failures ?? 0) > 1);
    assert.equal(bench.told.failures.length, 1, "told at a bounded rate");
    // Nothing of it changes: an apply does not depend on it.
    await visor.refresh();
    rmSync(broken);
    await until(() => bench.told.recovered.length > 0);
    assert.equal(visor.running.hostSides.get("w1")?.state, "running");
    await visor.apply(await bench.watched(4));
    assert.deepEqual(bench.told.reports.slice(-2), ["w1 started 3", "w1 updated 4"]);
    await visor.teardown();
  });
});

for (const [what, message] of [
  ["punt", "no punt"],
  ["later", "no punt later"],
] as const) {
  test(
    `punted packets whose handler fails (${what}) are counted, told of seldom, and followed by others`,
    options,
    async () => {
      using bench = new HostBench();
      await bench.open(async (visor) => {
        await visor.apply(await bench.watched(0, { punts: 1, fails: [what] }));
        for (let packet = 0; packet < 5; packet++) await bench.probe();
        const punts = (): number => bench.told.reports.filter((report) => report === "w1 punt").length;
        await until(() => punts() === 5);
        await sleep(10);
        assert.deepEqual(bench.told.failures, [`w1: ${message}`]);
        const health = visor.running.hostSides.get("w1");
        assert.deepEqual([health?.state, health?.failures, health?.message], ["running", 5, message]);
        await visor.teardown();
      });
    },
  );
}

test("timers that fail are counted, and told of seldom", options, async () => {
  using bench = new HostBench();
  await bench.open(async (visor) => {
    await visor.apply(await bench.watched(3, { fails: ["timer"] }));
    await until(() => (visor.running.hostSides.get("w1")?.failures ?? 0) > 5);
    assert.equal(bench.told.failures.length, 1);
    assert.equal(await bench.probe(), 3);
    await visor.teardown();
  });
});
