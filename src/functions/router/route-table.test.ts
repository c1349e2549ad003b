import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceView, JsonObject, LiveRow, LiveWriter } from "../../engine/host/host-side.ts";
import { IovisorError } from "../../errors.ts";
import { formatAddress, formatPrefix } from "./addresses.ts";
import { configuredRoutes, routerPorts } from "./configuration.ts";
import { LiveRoutes } from "./live-routes.ts";
import { Random, randomRouter } from "./random.ts";
import { rank, routingTable } from "./routes.ts";
import { arraysFor } from "./testing-arrays.ts";

/** A line as a text. */
function textOf({ row }: LiveRow): string {
  return [row["prefix"], row["type"], row["via"], row["port"], row["metric"], row["origin"]].join(" ");
}

/** The same lines from the routing table of the model. */
function expected(view: InstanceView): readonly string[] {
  const names = new Map(view.ports.map(({ number, name }) => [number, name]));
  return routingTable(routerPorts(view), configuredRoutes(view)).flatMap((route) =>
    route.hops.map((hop) => {
      const type = hop.kind === "gateway" || hop.kind === "connected" ? "unicast" : hop.kind;
      const via = hop.kind === "gateway" ? formatAddress(hop.via) : "";
      const port = "port" in hop ? names.get(hop.port) : "";
      return [formatPrefix(route.prefix), type, via, port, Math.max(0, rank(route)), route.origin].join(" ");
    }),
  );
}

function listed(live: LiveWriter, view: InstanceView, word: number): readonly LiveRow[] {
  return [...live.list!(view, { word, after: undefined })];
}

function byPages(live: LiveWriter, view: InstanceView, word: number, limit: number): readonly LiveRow[] {
  const rows: LiveRow[] = [];
  for (let after: string | undefined; ; after = rows.at(-1)!.cursor) {
    const page = [...live.list!(view, { word, after })].slice(0, limit);
    if (page.length === 0) return rows;
    rows.push(...page);
  }
}

/** Changes routes of a router: some go, others come. */
function changed(view: InstanceView, random: Random): InstanceView {
  const routes = view.config["routes"] as readonly JsonObject[];
  const kept = routes.filter(() => random.chance(80));
  const more = (randomRouter(random).config["routes"] as readonly JsonObject[]).slice(0, 3);
  return { ...view, config: { ...view.config, routes: [...kept, ...more] } };
}

describe("the table of routes", () => {
  it("has what the model's routing table has, whole and by pages, also after changes", (t) => {
    for (let seed = 0; seed < 40; seed++) {
      t.diagnostic(`seed ${seed}`);
      const random = new Random(seed);
      let view = randomRouter(random);
      const [arrays, live] = [arraysFor(view), new LiveRoutes()];
      let { word } = live.stage(view, { arrays, isNew: true })!;
      for (let change = 0; change < 5; change++) {
        const rows = listed(live, view, word);
        assert.deepEqual(rows.map(textOf).toSorted(), expected(view).toSorted());
        for (const limit of [1, 3]) assert.deepEqual(byPages(live, view, word, limit), rows);
        view = changed(view, random);
        const next = live.stage(view, { arrays, isNew: false });
        word = (next ?? live.stage(view, { arrays: arraysFor(view), isNew: true })!).word;
      }
    }
  });

  it("goes on behind a row that is gone meanwhile", () => {
    const route = (prefix: string): JsonObject => ({ prefix, blackhole: true });
    const view = (...prefixes: readonly string[]): InstanceView => {
      return { name: "r", config: { routes: prefixes.map(route) }, ports: [] };
    };
    const before = view("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16");
    const [arrays, live] = [arraysFor(before), new LiveRoutes()];
    const { word } = live.stage(before, { arrays, isNew: true })!;
    const [, second] = listed(live, before, word);
    const after = view("10.3.0.0/16", "10.1.0.0/16");
    const next = live.stage(after, { arrays, isNew: false })!;
    const rest = [...live.list(after, { word: next.word, after: second!.cursor })];
    assert.deepEqual(rest.map(textOf), ["10.3.0.0/16 blackhole   0 static"]);
  });

  it("is refused where the kernel goes by another version, and for what is no cursor", () => {
    const view = randomRouter(new Random(3));
    const live = new LiveRoutes();
    const { word } = live.stage(view, { arrays: arraysFor(view), isNew: true })!;
    const refused = (code: string) => (error: unknown) => error instanceof IovisorError && error.code === code;
    assert.throws(() => listed(live, view, word + 1), refused("E_CONFLICT"));
    assert.throws(() => [...live.list(view, { word, after: "AAAA" })], refused("E_USAGE"));
  });

  it("is the kernel's own in host mode", () => {
    const device = { name: "eth0", netns: "blue", found: undefined };
    const port = { name: "lan", number: 1, config: {}, linked: true, device: undefined, outer: device };
    const view = { name: "r", config: { mode: "host" }, ports: [port] };
    assert.throws(
      () => listed(new LiveRoutes(), view, 0),
      (error: unknown) =>
        error instanceof IovisorError && error.code === "E_USAGE" && error.remedy.includes("`ip -n blue route`"),
    );
  });
});
