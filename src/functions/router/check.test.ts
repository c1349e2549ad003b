import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstancePort, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { keepImmutable } from "../../engine/host/immutable.ts";
import { checkRouter } from "./check.ts";

function view(config: JsonObject, lan: JsonObject = { addresses: ["10.0.0.1/24", "2001:db8::1/64"] }): InstanceView {
  const port = { number: 0, linked: true, device: undefined };
  return { name: "r1", config, ports: [{ ...port, name: "lan", config: lan }] };
}

function problems(config: JsonObject, lan?: JsonObject): readonly string[] {
  return checkRouter(view(config, lan)).map(({ path, message }) => `${path}: ${message}`);
}

const cases: readonly (readonly [routes: JsonObject, problem: string | undefined])[] = [
  [{ prefix: "10.1.0.0/16", via: "10.0.0.2" }, undefined],
  [{ prefix: "::/0", via: "fe80::1", port: "lan" }, undefined],
  [{ prefix: "10.1.0.0/16", blackhole: true }, undefined],
  [{ prefix: "10.1.0.1/16", via: "10.0.0.2" }, 'config.routes[0].prefix: "10.1.0.1/16" is no prefix'],
  [{ prefix: "10.1.0.0/16" }, "config.routes[0]: it leads nowhere"],
  [{ prefix: "10.1.0.0/16", via: "192.0.2.1" }, "config.routes[0].via: no port reaches 192.0.2.1"],
  [{ prefix: "::/0", via: "fe80::1" }, "config.routes[0].via: no port reaches fe80::1"],
  [{ prefix: "10.1.0.0/16", via: "10.0.0.1" }, "config.routes[0].via: it is this router's own address"],
  [
    { prefix: "10.1.0.0/16", via: "2001:db8::2" },
    "config.routes[0].via: \"2001:db8::2\" is no host's address of the prefix's family",
  ],
  [{ prefix: "10.1.0.0/16", port: "wan" }, "config.routes[0].port: port 'wan' does not exist on 'r1': it has lan"],
  [{ prefix: "10.1.0.0/16", port: "lan", prohibit: true }, "config.routes[0]: packets that are dropped go nowhere"],
];

describe("the configuration of a router", () => {
  for (const [route, problem] of cases)
    it(`${problem ? "refuses" : "takes"} ${JSON.stringify(route)}`, () => {
      assert.deepEqual(problems({ routes: [route] }), problem === undefined ? [] : [problem]);
    });

  it("refuses addresses that no host can have, and one twice", () => {
    assert.deepEqual(problems({}, { addresses: ["224.0.0.1/24"] }), [
      "ports.lan.addresses[0]: no host can have 224.0.0.1",
    ]);
    assert.deepEqual(problems({}, { addresses: ["10.0.0.1/24", "10.0.0.1/25"] }), [
      "ports.lan.addresses[1]: 10.0.0.1 is an address of port 'lan' already",
    ]);
  });

  const overlaps: readonly (readonly [lan: readonly string[], wan: readonly string[], problem: string | undefined])[] =
    [
      [["10.0.0.1/24"], ["10.0.1.1/24"], undefined],
      [["10.0.0.1/24"], [], undefined],
      [["10.0.0.1/24", "10.0.0.2/24"], ["10.0.1.1/24"], undefined],
      [["10.0.0.1/8"], ["10.1.0.1/16"], undefined],
      [["10.0.0.1/24"], ["10.0.0.9/32"], undefined],
      [["10.0.0.1/32"], ["10.0.0.9/32"], undefined],
      [["169.254.0.1/16"], ["169.254.0.2/16"], undefined],
      [["2001:db8::1/64"], ["2001:db8:0:1::1/64"], undefined],
      [
        ["10.0.0.1/24"],
        ["10.0.0.254/24"],
        "ports.wan.addresses[0]: 10.0.0.0/24 is the network of port 'lan' already, and packets reach it by one port only",
      ],
      [
        ["192.0.2.1/24", "2001:db8::1/64"],
        ["198.51.100.1/24", "2001:db8::2/64"],
        "ports.wan.addresses[1]: 2001:db8::/64 is the network of port 'lan' already, and packets reach it by one port only",
      ],
      [
        ["10.0.0.0/31"],
        ["10.0.0.1/31"],
        "ports.wan.addresses[0]: 10.0.0.0/31 is the network of port 'lan' already, and packets reach it by one port only",
      ],
      [
        ["10.1.0.5/8"],
        ["10.1.0.1/16"],
        "ports.lan.addresses[0]: 10.1.0.5 is in 10.1.0.0/16, which is reached by port 'wan'",
      ],
      [["10.0.0.1/24"], ["10.0.0.1/16"], "ports.wan.addresses[0]: 10.0.0.1 is an address of port 'lan' already"],
    ];
  for (const [lan, wan, problem] of overlaps)
    it(`${problem ? "refuses" : "takes"} ${lan.join(" ")} beside ${wan.join(" ") || "none"}`, () => {
      const port = (name: string, number: number, addresses: readonly string[]): InstancePort => {
        return { name, number, config: { addresses }, linked: true, device: undefined };
      };
      const found = checkRouter({ name: "r1", config: {}, ports: [port("lan", 0, lan), port("wan", 1, wan)] });
      assert.deepEqual(
        found.map(({ path, message }) => `${path}: ${message}`),
        problem === undefined ? [] : [problem],
      );
    });

  it("refuses static neighbours outside of the networks of their port", () => {
    const neighbour = { port: "lan", address: "10.9.0.1", mac: "02:00:00:00:00:01" };
    assert.deepEqual(problems({ neighbours: [neighbour] }), [
      "config.neighbours[0].address: it is in no network of the port",
    ]);
  });
});

describe("the configuration of a router in host mode", () => {
  const device = (name: string, netns?: string): Pick<InstancePort, "device" | "outer"> => {
    const found = { name, ifindex: 7, mac: "02:00:00:00:00:01", mtu: 1500 };
    return { device: found, outer: { name, netns, found } };
  };
  const of = (
    ports: Readonly<Record<string, Partial<InstancePort>>>,
    config: JsonObject = { mode: "host" },
  ): readonly string[] => {
    const given = Object.entries(ports).map(([name, more], number) => {
      return { name, number, config: {}, linked: true, device: undefined, ...more };
    });
    return checkRouter({ name: "r1", config, ports: given }).map(({ path, message }) => `${path}: ${message}`);
  };

  it("takes devices of one namespace, whether they are there or not", () => {
    const gone = { outer: { name: "eth9", netns: "blue", found: undefined } };
    assert.deepEqual(of({ lan: device("eth0", "blue"), wan: device("eth1", "blue"), more: gone }), []);
    assert.deepEqual(of({ lan: device("eth0"), free: { linked: false } }), []);
  });

  it("refuses devices of several namespaces", () => {
    assert.deepEqual(of({ lan: device("eth0"), wan: device("eth1", "blue") }), [
      'ports.wan: "eth1" is in blue, "eth0" of port \'lan\' in the visor\'s own namespace',
    ]);
  });

  it("refuses ports that do not lead to one device", () => {
    assert.deepEqual(of({ lan: { linked: true } }), [
      "ports.lan: in host mode a port leads to one device of the kernel, and this one does not",
    ]);
  });

  it("refuses what the kernel has of its own", () => {
    const config = { mode: "host", routes: [{ prefix: "0.0.0.0/0", via: "10.0.0.2" }], icmpRate: 5, neighbours: [] };
    assert.deepEqual(of({ lan: { ...device("eth0"), config: { addresses: ["10.0.0.1/24"], mtu: 1400 } } }, config), [
      "config.routes: in host mode the kernel has its own routes",
      "config.icmpRate: in host mode the kernel has its own icmpRate",
      "ports.lan.addresses: in host mode the kernel has its own addresses",
      "ports.lan.mtu: in host mode the kernel has its own mtu",
    ]);
  });

  it("refuses checks of sources in the other mode", () => {
    assert.deepEqual(of({ lan: device("eth0") }, { sourceCheck: "strict" }), [
      "config.sourceCheck: sources are checked by the kernel's routes, which this router does not follow",
    ]);
  });
});

describe("routes that are checked again", () => {
  const right = { prefix: "10.1.0.0/16", via: "10.0.0.2" };
  const dark = { prefix: "10.2.0.0/16", blackhole: true };
  const lists: readonly (readonly [routes: readonly JsonObject[], lan: string, problems: readonly string[]])[] = [
    [[right, dark], "10.0.0.1/24", []],
    [[dark, right, right], "10.0.0.1/24", []],
    [[dark, { ...dark, via: "10.0.0.2" }], "10.0.0.1/24", ["config.routes[1]: packets that are dropped go nowhere"]],
    [[dark, right, { ...right, via: "" }], "10.0.0.1/24", ['config.routes[2].via: "" is no host\'s address of the']],
    [[dark, right], "10.9.0.1/24", ["config.routes[1].via: no port reaches 10.0.0.2"]],
    [[right, dark], "10.0.0.1/24", []],
    [[right], "10.0.0.2/24", ["config.routes[0].via: it is this router's own address"]],
  ];

  it("are judged as the first time, whatever was right before", () => {
    for (const [routes, lan, expected] of lists) {
      const found = problems(keepImmutable({ routes }), { addresses: [lan] });
      assert.equal(found.length, expected.length, found.join());
      for (const [index, text] of expected.entries()) assert.ok(found[index]!.startsWith(text), found[index]);
    }
  });
});
