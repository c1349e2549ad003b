import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import type { TableContext } from "../../engine/host/table-view.ts";
import { identityOf } from "./configuration.ts";
import host from "./host.ts";
import { hasVlan, parseVlans } from "./vlans.ts";

function instance(ports: Readonly<Record<string, JsonObject>>, config: JsonObject = {}): InstanceView {
  const views = Object.entries(ports).map(([name, port], number) => {
    return { name, number, config: port, linked: true, device: undefined };
  });
  return { name: "sw", config, ports: views };
}

const twoPorts = { lan1: { vlan: 10 }, up: { mode: "trunk", allowed: "10,20-30", native: 20 } };

function problems(ports: Readonly<Record<string, JsonObject>>, config: JsonObject = {}): readonly string[] {
  return host.check!(instance(ports, config)).map(({ path, message }) => `${path}: ${message}`);
}

describe("lists of VLANs", () => {
  it("are numbers and ranges", () => {
    const set = parseVlans("1, 20-22,4094");
    const members = Array.from({ length: 4096 }, (_, vlan) => vlan).filter((vlan) => hasVlan(set, vlan));
    assert.deepEqual(members, [1, 20, 21, 22, 4094]);
    assert.ok([1, 4094].every((vlan) => hasVlan(parseVlans("all"), vlan)));
    assert.ok([0, 4095].every((vlan) => !hasVlan(parseVlans("all"), vlan)));
  });

  for (const [text, message] of [
    ["", /"" is neither/],
    ["10,", /"" is neither/],
    ["ten", /"ten" is neither/],
    ["0", /VLAN 0 is not/],
    ["4090-4095", /VLAN 4095 is not/],
    ["30-20", /runs backwards/],
  ] as const)
    it(`refuse "${text}"`, () => assert.throws(() => parseVlans(text), { message }));
});

describe("a switch's configuration", () => {
  it("may be right", () => {
    const fixed = [
      { mac: "02:00:00:00:00:01", vlan: 20, port: "up" },
      { mac: "02:00:00:00:00:02", blackhole: true },
    ];
    assert.deepEqual(problems(twoPorts, { static: fixed }), []);
  });

  it("is told what is wrong with its ports, all of it", () => {
    const ports = {
      one: { vlan: 1, native: 2, allowed: "3" },
      two: { mode: "trunk", vlan: 3 },
      three: { mode: "trunk", allowed: "10-" },
      four: { mode: "trunk", allowed: "10", native: 20 },
    };
    assert.deepEqual(problems(ports), [
      'ports.one.native: an access port has no "native"',
      'ports.one.allowed: an access port has no "allowed"',
      'ports.two.vlan: a trunk has no "vlan"',
      'ports.three.allowed: "10-" is neither a VLAN nor a range of them',
      "ports.four.native: VLAN 20 is not among the allowed ones",
    ]);
  });

  it("is told what is wrong with its static stations, all of it", () => {
    const fixed = [
      { mac: "nonsense", port: "lan1" },
      { mac: "01:00:5e:00:00:01", port: "lan1" },
      { mac: "00:00:00:00:00:00", port: "lan1" },
      { mac: "02:00:00:00:00:01" },
      { mac: "02:00:00:00:00:01", vlan: 10, port: "lan9" },
      { mac: "02:00:00:00:00:01", vlan: 30, port: "lan1" },
      { mac: "02:00:00:00:00:01", vlan: 10, port: "lan1" },
      { mac: "2:0:0:0:0:1", vlan: 10, port: "up" },
      { mac: "02:00:00:00:00:02", port: "lan1", blackhole: true },
    ];
    assert.deepEqual(problems(twoPorts, { static: fixed }), [
      'config.static[0].mac: "nonsense" is no MAC address',
      "config.static[1].mac: 01:00:5e:00:00:01 is the address of a group",
      "config.static[2].mac: no station has the address zero",
      "config.static[3].port: it has neither a port nor is it a blackhole",
      "config.static[4].port: port 'lan9' does not exist on 'sw': it has lan1, up",
      "config.static[5].vlan: port 'lan1' is not a member of VLAN 30",
      "config.static[7]: 02:00:00:00:00:01 in VLAN 10 is there already, as static[6]",
      "config.static[8].port: a station whose frames are dropped has no port",
    ]);
  });
});

describe("flood groups", () => {
  it("are shared by VLANs with the same ports, so that all VLANs take few of them", () => {
    const trunks = { a: { vlan: 10 }, b: { mode: "trunk" }, c: { mode: "trunk", native: 5 } };
    const view = instance(trunks);
    const groups = host.floodGroups!(view);
    const ofVlan = new Map([...host.tables!(view)["groups"]!] as (readonly [number, number])[]);
    const members = (vlan: number) => groups.find(({ group }) => group === ofVlan.get(vlan))!.members;
    assert.equal(groups.length, 3);
    assert.deepEqual(members(10), [
      { port: 0, tagged: false },
      { port: 1, tagged: true },
      { port: 2, tagged: true },
    ]);
    assert.deepEqual(members(5), [
      { port: 1, tagged: true },
      { port: 2, tagged: false },
    ]);
    assert.equal(ofVlan.get(6), ofVlan.get(4094));
  });
});

describe("identities of ports", () => {
  it("hold the number, and differ where a name or a number does", () => {
    const identities = ["a", "b", "up", "lan1"].flatMap((name) =>
      [0, 1, 63].map((number) => identityOf({ name, number })),
    );
    assert.equal(new Set(identities).size, identities.length);
    assert.ok(identities.every((identity) => identity >= 64 && identity <= 0xffff_ffff));
    assert.equal(identityOf({ name: "up", number: 63 }) % 64, 63);
  });
});

describe("the table of learned stations", () => {
  const view = instance(twoPorts, { ageing: 100 });
  const context: TableContext = { instance: view, ticks: { perSecond: 250, now: () => 1_000_000n } };
  const fdb = host.tableViews!.find(({ map }) => map === "fdb")!;
  const key = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), vlan: 10 };
  const entry = (seconds: number, port = identityOf({ name: "up", number: 1 })) => {
    return { key, value: { seen: 1_000_000n - BigInt(250 * seconds), port, moves: 3 } };
  };

  it("shows ports by name and ages in seconds", () => {
    const row = { mac: "02:00:00:00:00:01", vlan: 10, port: "up", age: 40, moves: 3 };
    assert.deepEqual(fdb.show(entry(40), context), row);
  });

  it("leaves out what aged and what was learned at a port that is gone", () => {
    assert.equal(fdb.show(entry(100), context), undefined);
    assert.equal(fdb.show(entry(1, identityOf({ name: "old", number: 1 })), context), undefined);
  });

  it("takes rows, and finds them again", () => {
    const row = { mac: "2:0:0:0:0:1", vlan: "10", port: "up" };
    const made = fdb.parse!(row, context);
    assert.deepEqual(made, { key, value: { seen: 1_000_000n, port: identityOf({ name: "up", number: 1 }), moves: 0 } });
    assert.deepEqual(fdb.parseKey!(row, context), key);
  });

  it("refuses rows that do not fit, by column", () => {
    const row = { mac: "02:00:00:00:00:01", vlan: 10, port: "up" };
    assert.throws(() => fdb.parse!({ ...row, mac: "nonsense" }, context), /mac: expected a MAC address.*"nonsense"/);
    assert.throws(
      () => fdb.parse!({ ...row, vlan: 4095 }, context),
      /vlan: expected a number from 1 to 4094, got 4095/,
    );
    assert.throws(() => fdb.parse!({ ...row, port: "lan9" }, context), /port: expected a port of sw \(lan1, up\)/);
  });
});
