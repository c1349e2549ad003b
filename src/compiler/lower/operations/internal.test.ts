import assert from "node:assert/strict";
import { test } from "node:test";
import { NotSupported } from "../../../errors.ts";
import { type HookName, hooks } from "../../../language/kinds.ts";
import { operations } from "../../../language/operations.ts";
import { link } from "../../../vm/link.ts";
import { createMap } from "../../../vm/maps/create.ts";
import { runSkb, runXdp } from "../../../vm/run.ts";
import { checkModule } from "../../check/index.ts";
import { compileProgram } from "../../compile.ts";
import * as b from "../../hir/build.ts";
import { createMapStore, interpret } from "../../hir/interpret.ts";
import type { Expression, MapDeclaration, Module, Statement } from "../../hir/tree.ts";
import { boolType, u64Type, verdictType, voidType } from "../../hir/types.ts";
import { verifyModule } from "../../hir/verify.ts";

const frame = Uint8Array.from({ length: 64 }, (_, index) => index);
const byte = {
  kind: "struct",
  name: "Byte",
  size: 1,
  align: 1,
  fields: [{ name: "value", offset: 0, layout: b.integer(8) }],
} as const;

const cloneTo = (ifindex: number) => b.operation("packet.cloneTo", [b.number(ifindex)], boolType);
const broadcast = (exclude: number) =>
  b.operation("verdict.broadcast", [], verdictType, { map: 0, constants: [exclude] });
const toStack = (ifindex: number) => b.operation("verdict.redirectIngress", [b.number(ifindex)], verdictType);
const setType = () => b.operation("packet.setType", [], voidType);

const devices = b.map("devMap", { name: "devices", key: b.integer(32), value: b.integer(64), maxEntries: 8 });

function moduleOf(make: (locals: b.Locals) => readonly Statement[], maps: readonly MapDeclaration[] = []): Module {
  const module = b.module([b.program(make)], { maps });
  assert.deepEqual(verifyModule(module), []);
  assert.deepEqual(checkModule(module).findings, []);
  return module;
}

const returning = (verdict: Expression, maps?: readonly MapDeclaration[]): Module =>
  moduleOf(() => [b.giveBack(verdict)], maps);

function compile(module: Module, hook: HookName, optimization: 0 | 2 = 2) {
  return compileProgram(module, module.programs[0]!, {
    hook: hooks[hook],
    target: { isa: 3, littleEndian: true, mixedStackWrites: false },
    longLoops: "callback",
    optimization,
  });
}

const key = (index: number) => Uint8Array.of(index, 0, 0, 0);
const entry = (ifindex: number) => Uint8Array.of(ifindex, 0, 0, 0, 0xff, 0xff, 0xff, 0xff);

test("cloneTo sends a copy of the packet as it is, and views before it are stale", () => {
  const module = moduleOf((l) => {
    const [letFirst, first] = l.let("first", b.packetAt(b.number(0), byte));
    const write = b.store(b.field(b.unwrap(l.use(first)), "value"), b.number(99));
    const copied = b.when(b.not(cloneTo(7)), [b.giveBack(b.drop())]);
    const [letSecond, second] = l.let("second", b.packetAt(b.number(1), byte));
    const rewrite = b.store(b.field(b.unwrap(l.use(second)), "value"), b.number(98));
    return [
      letFirst,
      b.when(b.present(l.use(first)), [write]),
      copied,
      letSecond,
      b.when(b.present(l.use(second)), [rewrite]),
      b.giveBack(b.pass()),
    ];
  });
  const expected = frame.slice();
  expected[0] = 99;
  const result = interpret(module.programs[0]!, module, { hook: "tcx-ingress", packet: frame, vlanTag: 5 });
  assert.deepEqual(result.clones, [{ ifindex: 7, packet: expected, vlanTag: 5 }]);
  for (const optimization of [0, 2] as const) {
    const vm = runSkb(link(compile(module, "tcx-egress", optimization)), frame);
    assert.deepEqual(vm.clones, [{ ifindex: 7, flags: 0, packet: expected }]);
    assert.deepEqual([vm.verdict, vm.packet], [-1, result.packet]);
    const gone = runSkb(link(compile(module, "tcx-egress", optimization)), frame, { devices: new Map() });
    assert.deepEqual([gone.verdict, gone.clones], [2, []]);
  }
  const stale = b.module([
    b.program((l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), byte));
      const read = b.evaluate(b.load(b.field(b.unwrap(l.use(view)), "value")));
      return [letView, b.when(b.present(l.use(view)), [b.evaluate(cloneTo(7)), read]), b.giveBack(b.pass())];
    }),
  ]);
  assert.deepEqual(
    checkModule(stale).findings.map(({ code }) => code),
    ["IOV4008"],
  );
});

for (const exclude of [0, 1])
  test(`broadcast reaches every device of the map${exclude ? " but the packet's own" : ""}`, () => {
    const module = returning(broadcast(exclude), [devices]);
    const store = createMapStore(devices);
    const vmDevices = createMap({ type: "devmap", keySize: 4, valueSize: 8, maxEntries: 8 });
    for (const [at, ifindex] of [11, 3, 12].entries()) {
      store.update(key(at * 2), entry(ifindex), 0, 0);
      vmDevices.update(key(at * 2), entry(ifindex));
    }
    const wanted = exclude ? [11, 12] : [11, 3, 12];
    const input = { hook: "xdp", packet: frame, maps: [store], ingressIfindex: 3 } as const;
    const result = interpret(module.programs[0]!, module, input);
    assert.deepEqual([result.verdict?.code, result.redirect], [4, { ifindex: 0, broadcast: wanted }]);
    for (const optimization of [0, 2] as const) {
      const code = link(compile(module, "xdp", optimization), { devices: vmDevices });
      const { verdict, redirect } = runXdp(code, frame, { ingressIfindex: 3 });
      assert.deepEqual([verdict, redirect?.kind === "map" && redirect.broadcast], [4, wanted]);
    }
  });

test("cloneToHost hands a copy to the stack of a device", () => {
  const copy = b.operation("packet.cloneToHost", [b.number(7)], boolType);
  const module = moduleOf(() => [b.when(b.not(copy), [b.giveBack(b.drop())]), b.giveBack(b.pass())]);
  const result = interpret(module.programs[0]!, module, { hook: "tcx-ingress", packet: frame });
  assert.deepEqual(result.clones, [{ ifindex: 7, ingress: true, packet: frame }]);
  const vm = runSkb(link(compile(module, "tcx-egress")), frame);
  assert.deepEqual(vm.clones, [{ ifindex: 7, flags: 1, packet: frame }]);
});

test("redirectIngress leads to the stack of a device", () => {
  const module = returning(toStack(9));
  const result = interpret(module.programs[0]!, module, { hook: "tcx-ingress", packet: frame });
  assert.deepEqual([result.verdict?.code, result.redirect], [7, { ifindex: 9, ingress: true }]);
  const { verdict, redirect } = runSkb(link(compile(module, "tcx-ingress")), frame);
  assert.deepEqual([verdict, redirect], [7, { kind: "interface", ifindex: 9, flags: 1n }]);
});

test("setType makes a packet one to this host at skb hooks and does nothing at XDP", () => {
  const module = moduleOf(() => [b.evaluate(setType()), b.giveBack(b.pass())]);
  assert.equal(interpret(module.programs[0]!, module, { hook: "xdp", packet: frame }).verdict?.name, "pass");
  const { verdict, skb } = runSkb(link(compile(module, "tcx-ingress")), frame, { fields: { pkt_type: 3 } });
  assert.deepEqual([verdict, skb.get("pkt_type")], [-1, 0]);
  assert.equal(compile(module, "xdp").instructions.length, 2);
});

test("deliverMap hands a packet to the stack of the device at a key, and drops it where there is none", () => {
  const deliver = (key: number) => b.operation("verdict.deliverMap", [b.number(key)], verdictType, { map: 0 });
  for (const [at, expected] of [
    [2, { ifindex: 5, ingress: true }],
    [3, undefined],
  ] as const) {
    const module = returning(deliver(at), [devices]);
    const store = createMapStore(devices, 1);
    store.update(key(2), entry(5), 0, 0);
    const result = interpret(module.programs[0]!, module, { hook: "tcx-ingress", packet: frame, maps: [store] });
    assert.deepEqual(result.redirect, expected);
    const map = createMap({ type: "devmap", keySize: 4, valueSize: 8, maxEntries: 8 });
    map.update(key(2), entry(5));
    const vm = runSkb(link(compile(module, "tcx-egress"), { devices: map }), frame);
    assert.deepEqual(vm.redirect, expected && { kind: "interface", ifindex: 5, flags: 1n });
    assert.equal(vm.verdict, expected ? 7 : 2);
  }
});

test("a note that a packet was handled is for one side, and is taken once", () => {
  const mark = (side: number) => b.evaluate(b.operation("packet.markHandled", [], voidType, { constants: [side] }));
  const take = (side: number) => b.operation("packet.takeHandled", [], boolType, { constants: [side] });
  const twice = moduleOf(() => [
    b.when(take(0), [b.giveBack(b.drop())]),
    mark(0),
    b.when(take(1), [b.giveBack(b.drop())]),
    b.when(b.not(take(0)), [b.giveBack(b.drop())]),
    b.when(take(0), [b.giveBack(b.drop())]),
    b.giveBack(b.pass()),
  ]);
  assert.equal(interpret(twice.programs[0]!, twice, { hook: "tcx-ingress", packet: frame }).verdict?.name, "pass");
  const marked = moduleOf(() => [mark(1), b.giveBack(b.pass())]);
  const taken = moduleOf(() => [b.when(take(1), [b.giveBack(b.pass())]), b.giveBack(b.drop())]);
  for (const optimization of [0, 2] as const) {
    assert.equal(runSkb(link(compile(twice, "tcx-egress", optimization)), frame).verdict, -1);
    const { skb } = runSkb(link(compile(marked, "tcx-egress", optimization)), frame);
    const cb = skb.bytes.slice(48, 68);
    const next = runSkb(link(compile(taken, "tcx-egress", optimization)), frame, { cb });
    assert.equal(next.verdict, -1);
    assert.deepEqual(next.skb.bytes.slice(48, 68), new Uint8Array(20));
    assert.equal(runSkb(link(compile(taken, "tcx-egress", optimization)), frame).verdict, 2);
  }
});

test("a number that is noted beside a frame comes back once, and goes with a tag that is put on and off", () => {
  const set = b.operation("packet.setNote", [b.wide(0x1234_5678_9abc_def0n)], boolType);
  const take = () => b.operation("packet.takeNote", [], u64Type);
  const fails = (condition: Expression) => b.when(condition, [b.giveBack(b.drop())]);
  const isOther = (value: bigint) => fails(b.compare("notEqual", take(), b.wide(value)));
  const module = moduleOf(() => [
    isOther(2n ** 64n - 1n),
    fails(b.not(set)),
    fails(b.not(b.pushVlan(b.number(7)))),
    fails(b.not(b.operation("packet.popVlan", [], boolType))),
    isOther(0x1234_5678_9abc_def0n),
    isOther(2n ** 64n - 1n),
    fails(b.not(set)),
    fails(b.not(set)),
    b.evaluate(b.operation("packet.clearNotes", [], voidType)),
    isOther(2n ** 64n - 1n),
    b.giveBack(b.pass()),
  ]);
  assert.equal(interpret(module.programs[0]!, module, { hook: "xdp", packet: frame }).verdict?.name, "pass");
  for (const optimization of [0, 2] as const) {
    const { verdict, packet } = runXdp(link(compile(module, "xdp", optimization)), frame);
    assert.deepEqual([verdict, packet], [2, frame]);
  }
});

test("operations that a hook cannot do are refused, not miscompiled", () => {
  const refused: readonly (readonly [module: Module, hook: HookName, message: RegExp])[] = [
    [moduleOf(() => [b.evaluate(cloneTo(1)), b.giveBack(b.pass())]), "xdp", /at xdp cannot cloneTo packets/],
    [returning(toStack(1)), "xdp", /at xdp cannot redirectIngress packets/],
    [returning(broadcast(1), [devices]), "tcx-ingress", /at tcx-ingress cannot broadcast packets/],
    [returning(broadcast(1), [devices]), "xdp-devmap", /at xdp-devmap cannot broadcast packets/],
    [returning(b.operation("verdict.transmit", [], verdictType)), "xdp-devmap", /cannot transmit packets/],
    [returning(b.operation("verdict.redirect", [b.number(1)], verdictType)), "xdp-devmap", /cannot redirect packets/],
  ];
  for (const [module, hook, message] of refused)
    assert.throws(
      () => compile(module, hook),
      (error) => error instanceof NotSupported && message.test(error.message),
    );
});

test("the checker bounds the interface indexes of copies and redirects", () => {
  const far = b.number(2n ** 32n);
  for (const statement of [
    b.evaluate(b.operation("packet.cloneTo", [far], boolType)),
    b.giveBack(b.operation("verdict.redirectIngress", [far], verdictType)),
  ]) {
    const module = b.module([b.program(() => [statement, b.giveBack(b.pass())])]);
    assert.deepEqual(
      checkModule(module).findings.map(({ code }) => code),
      ["IOV4002"],
    );
  }
});

test("device maps have values of 4 or of 8 bytes", () => {
  const problems = (value: MapDeclaration["value"]) =>
    verifyModule(b.module([b.program(() => [b.giveBack(b.pass())])], { maps: [{ ...devices, value: value! }] }));
  assert.deepEqual(problems(b.integer(32)), []);
  assert.deepEqual(problems(b.struct("Entry", { ifindex: b.integer(32), program: b.integer(32) })), []);
  assert.match(problems(b.integer(16))[0]!.message, /a value of 2 bytes, not 4 or 8/);
});

test("internal operations have no name in the library", () => {
  const internal = Object.entries(operations).filter(([, row]) => "internal" in row);
  assert.deepEqual(
    internal.map(([name]) => name),
    [
      "verdict.broadcast",
      "verdict.broadcastIn",
      "verdict.redirectIngress",
      "verdict.deliverMap",
      "packet.cloneTo",
      "packet.cloneToHost",
      "packet.setType",
      "packet.device",
      "packet.markHandled",
      "packet.takeHandled",
      "packet.setNote",
      "packet.takeNote",
      "packet.clearNotes",
    ],
  );
});
