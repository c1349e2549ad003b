import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { hasGroups } from "./room.ts";

function viewOf(name: string, routes: readonly JsonObject[]): InstanceView {
  return { name, config: { routes }, ports: [] };
}

describe("the room for routes", () => {
  it("counts routes to one prefix together, however they are written", () => {
    const pairs = [
      ["2001:db8::/32", "2001:DB8:0::/32"],
      ["::/0", "0::/00"],
      ["10.0.0.0/8", "10.0.0.0/08"],
    ];
    for (const [index, prefixes] of pairs.entries()) {
      const routes = prefixes.map((prefix, hop) => ({ prefix, port: `p${hop}` }));
      assert.equal(hasGroups(viewOf(`r${index}`, routes)), true, prefixes.join(" "));
      assert.equal(hasGroups(viewOf(`r${index}`, routes.slice(1))), false);
    }
  });
});
