import assert from "node:assert/strict";
import { after, test } from "node:test";
import { udpFrame } from "../../../test/network/frames.ts";
import { skipWithoutNetwork, testPair } from "../../../test/network/network.ts";
import { findDevice } from "../devices.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { skipWithoutBpf } from "../testing.ts";
import type { VirtualHost } from "../virtual-network.ts";
import { adopt, attach } from "./attach.ts";
import { listDeviceAttachments } from "./ls.ts";
import { hasTcx, queryTcx, type TcxSpec } from "./tcx.ts";
import { CountingProgram, loadConstant, temporaryPin } from "./testing.ts";

const skip = skipWithoutBpf || skipWithoutNetwork;
const options = { skip, timeout: 20_000 };
const withTcx = { skip: skip || (hasTcx() ? false : "this kernel has no TCX (Linux 6.6)"), timeout: 20_000 };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

const NEXT = -1;
const OK = 0;
const SHOT = 2;
const ingress: TcxSpec = { hook: "tcx-ingress", device: "eth0" };

function order(host: VirtualHost, hook: TcxSpec["hook"] = "tcx-ingress"): (number | undefined)[] {
  const { index } = findDevice("eth0", host.namespace);
  return queryTcx(index, hook, host.namespace)!.programs.map(({ linkId }) => linkId);
}

/** The filters as tc(8) shows them. */
function filters(host: VirtualHost, direction: "ingress" | "egress") {
  const shown = JSON.parse(host.exec("tc", ["-j", "filter", "show", "dev", "eth0", direction]) || "[]");
  return shown.filter((entry: { options?: { prog?: unknown } }) => entry.options?.prog);
}

for (const mechanism of ["tcx", "clsact"] as const) {
  for (const hook of ["tcx-ingress", "tcx-egress"] as const) {
    const title = `${hook} by ${mechanism}: attach, replace under traffic, detach`;
    test(title, mechanism === "tcx" ? withTcx : options, async () => {
      using net = testPair();
      const [a, b] = [net.host("a"), net.host("b")];
      using sender = a.packets("eth0");
      const host = hook === "tcx-ingress" ? b : a;
      using first = new CountingProgram("sched_cls", SHOT);
      using second = new CountingProgram("sched_cls", SHOT);
      using attachment = attach(first, { hook, device: "eth0", mechanism }, { namespace: host.namespace });
      for (let frame = 0; frame < 200; frame++) {
        assert.equal(sender.send(udpFrame()), hook === "tcx-ingress", "egress tells the sender");
        if (frame % 20 === 19) attachment.update(frame % 40 === 19 ? second : first);
      }
      while (first.count + second.count < 200) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(first.count + second.count, 200);
      assert.ok(first.count > 0 && second.count > 0);
      attachment.detach();
      assert.deepEqual(listDeviceAttachments(host.namespace), []);
      assert.doesNotMatch(host.exec("tc", ["qdisc", "show", "dev", "eth0"]), /clsact/);
      using receiver = b.packets("eth0");
      sender.send(udpFrame());
      assert.ok(await receiver.next(2000));
    });
  }
}

test("anchors order programs among those of other owners", withTcx, () => {
  using net = testPair();
  const host = net.host("b");
  const { namespace } = host;
  const programs = Array.from({ length: 6 }, () => loadConstant("sched_cls", NEXT));
  const place = (at: number, anchor?: TcxSpec["anchor"]) =>
    attach(programs[at]!, { ...ingress, ...(anchor && { anchor }) }, { namespace });
  const b = place(0);
  const d = place(1);
  const a = place(2, { at: "first" });
  const c = place(3, { at: "after", linkId: b.linkId! });
  const e = place(4, { at: "last" });
  assert.deepEqual(
    order(host),
    [a, b, c, d, e].map(({ linkId }) => linkId),
  );
  c.update(programs[5]!);
  assert.deepEqual(
    order(host),
    [a, b, c, d, e].map(({ linkId }) => linkId),
    "replacing keeps the place",
  );
  c.detach();
  const f = place(3, { at: "before", linkId: a.linkId! });
  assert.deepEqual(
    order(host),
    [f, a, b, d, e].map(({ linkId }) => linkId),
  );
  const listed = listDeviceAttachments(namespace).map(({ linkId, hook }) => [hook, linkId]);
  assert.deepEqual(
    listed,
    order(host).map((linkId) => ["tcx-ingress", linkId]),
  );

  const { index } = findDevice("eth0", namespace);
  const { revision } = queryTcx(index, "tcx-ingress", namespace)!;
  assert.throws(() => place(2), { code: "E_BUSY", message: /EEXIST/ });
  assert.throws(() => place(5, { at: "before", linkId: c.linkId ?? 0x7ffffff0 }), { remedy: /not attached there/ });
  assert.throws(() => attach(programs[5]!, { ...ingress, expectedRevision: revision - 1n }, { namespace }), {
    remedy: /changed the list/,
  });
  attach(programs[5]!, { ...ingress, expectedRevision: revision }, { namespace }).detach();
  for (const attachment of [a, b, d, e, f]) attachment.detach();
  for (const program of programs) program.close();
});

test("a clsact filter shows in tc with its program's name, and foreign filters stay", options, () => {
  using net = testPair();
  const host = net.host("b");
  const { namespace } = host;
  host.exec("tc", ["qdisc", "add", "dev", "eth0", "clsact"]);
  using first = loadConstant("sched_cls", NEXT, { name: "first_one" });
  using second = loadConstant("sched_cls", OK, { name: "second_one" });
  const one = attach(first, { ...ingress, mechanism: "clsact" }, { namespace });
  const two = attach(second, { ...ingress, mechanism: "clsact" }, { namespace });
  const early = attach(second, { ...ingress, mechanism: "clsact", priority: 5 }, { namespace });
  const shown = filters(host, "ingress").map(
    (entry: { pref: number; options: { bpf_name: string; handle: string } }) => [
      entry.pref,
      entry.options.handle,
      entry.options.bpf_name,
    ],
  );
  assert.deepEqual(shown.sort(), [
    [49152, "0x1", "first_one"],
    [49152, "0x2", "second_one"],
    [5, "0x1", "second_one"],
  ]);
  assert.deepEqual(
    listDeviceAttachments(namespace)
      .map(({ hook, note }) => `${hook} ${note}`)
      .sort(),
    [
      "tcx-ingress clsact priority 49152 handle 1",
      "tcx-ingress clsact priority 49152 handle 2",
      "tcx-ingress clsact priority 5 handle 1",
    ],
  );
  two.detach();
  early.detach();
  assert.equal(filters(host, "ingress").length, 1);
  host.exec("tc", ["filter", "del", "dev", "eth0", "ingress"]);
  assert.throws(() => one.update(second), { code: "E_BUSY", message: /taken away/ });
  one.detach();
  assert.match(host.exec("tc", ["qdisc", "show", "dev", "eth0"]), /clsact/, "a discipline of another owner stays");
});

test("pinned TCX and clsact attachments outlive their owner and are adopted", options, () => {
  using net = testPair();
  const host = net.host("b");
  const { namespace } = host;
  using first = loadConstant("sched_cls", OK);
  using second = loadConstant("sched_cls", OK);
  for (const mechanism of hasTcx() ? (["tcx", "clsact"] as const) : (["clsact"] as const)) {
    const spec: TcxSpec = { ...ingress, mechanism };
    using pin = temporaryPin();
    const { path } = pin;
    const original = attach(first, spec, { namespace });
    original.pin(path);
    original.close();
    const present = () => listDeviceAttachments(namespace).map(({ programId }) => programId);
    assert.deepEqual(present(), [first.info().id]);
    assert.throws(() => adopt(path, { ...spec, hook: "tcx-egress" }, { namespace }), { code: "E_USAGE" });
    using adopted = adopt(path, spec, { namespace });
    adopted.update(second);
    assert.deepEqual(present(), [second.info().id]);
    adopted.detach();
    assert.deepEqual(present(), []);
  }
});

test("an attachment knows that its device is gone", options, () => {
  for (const mechanism of hasTcx() ? (["tcx", "clsact"] as const) : (["clsact"] as const)) {
    using net = testPair();
    const host = net.host("b");
    using program = loadConstant("sched_cls", OK);
    using attachment = attach(program, { ...ingress, mechanism }, { namespace: host.namespace });
    assert.equal(attachment.isAttached(), true);
    host.exec("ip", ["link", "del", "dev", "eth0"]);
    assert.equal(attachment.isAttached(), false, mechanism);
    attachment.detach();
    assert.equal(attachment.isAttached(), false);
  }
});
