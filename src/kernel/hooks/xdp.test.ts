import assert from "node:assert/strict";
import { after, test } from "node:test";
import { udpFrame } from "../../../test/network/frames.ts";
import { skipWithoutNetwork, testPair } from "../../../test/network/network.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { skipWithoutBpf } from "../testing.ts";
import { adopt, attach } from "./attach.ts";
import { listDeviceAttachments } from "./ls.ts";
import { CountingProgram, loadConstant, temporaryPin } from "./testing.ts";
import type { XdpSpec } from "./xdp.ts";

const options = { skip: skipWithoutBpf || skipWithoutNetwork, timeout: 20_000 };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

const PASS = 2;
const DROP = 1;
const onEth0: XdpSpec = { hook: "xdp", device: "eth0" };

/** XDP as `ip link` shows it: the program's id, or undefined. */
function shownProgram(host: { exec(command: string, args: readonly string[]): string }): number | undefined {
  return JSON.parse(host.exec("ip", ["-j", "-d", "link", "show", "eth0"]))[0].xdp?.prog?.id;
}

for (const spec of [
  { ...onEth0 },
  { ...onEth0, mode: "generic" },
  { ...onEth0, mode: "native" },
  { ...onEth0, mechanism: "netlink" },
  { ...onEth0, mechanism: "netlink", mode: "generic" },
] as XdpSpec[]) {
  const label = `${spec.mode ?? "default"} mode by ${spec.mechanism ?? "link"}`;
  test(`XDP attaches, is replaced without losing a frame, and detaches (${label})`, options, async () => {
    using net = testPair();
    const [a, b] = [net.host("a"), net.host("b")];
    using sender = a.packets("eth0");
    using first = new CountingProgram("xdp", DROP, { expectedAttachType: "xdp" });
    using second = new CountingProgram("xdp", DROP, { expectedAttachType: "xdp" });
    using attachment = attach(first, spec, { namespace: b.namespace });
    assert.equal(shownProgram(b), first.id);
    for (let frame = 0; frame < 400; frame++) {
      sender.send(udpFrame());
      if (frame % 20 === 19) attachment.update(frame % 40 === 19 ? second : first);
    }
    while (first.count + second.count < 400) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(first.count + second.count, 400);
    assert.ok(first.count > 0 && second.count > 0);
    attachment.update(second);
    assert.equal(attachment.programId, second.id);
    assert.equal(shownProgram(b), second.id);
    attachment.detach();
    assert.equal(shownProgram(b), undefined);
    using receiver = b.packets("eth0");
    sender.send(udpFrame());
    assert.ok(await receiver.next(2000));
  });
}

test("another owner's XDP program is named and left alone", options, () => {
  using net = testPair();
  const { namespace } = net.host("b");
  using theirs = loadConstant("xdp", PASS, { name: "their_filter", expectedAttachType: "xdp" });
  using ours = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  for (const mechanism of ["link", "netlink"] as const) {
    using other = attach(theirs, { ...onEth0, mechanism }, { namespace });
    for (const spec of [onEth0, { ...onEth0, mechanism: "netlink" }, { ...onEth0, mode: "generic" }] as XdpSpec[]) {
      assert.throws(() => attach(ours, spec, { namespace }), {
        code: "E_BUSY",
        message: new RegExp(`eth0 .*another owner: program ${theirs.info().id} "their_filter"`),
      });
    }
    assert.equal(shownProgram(net.host("b")), theirs.info().id);
    const [listed] = listDeviceAttachments(namespace);
    assert.equal(listed?.programName, "their_filter");
    assert.equal(listed?.linkId, other.linkId);
    assert.equal(listed?.note, "native mode");
  }
});

test("what someone else put in the place of ours is neither replaced nor detached", options, () => {
  using net = testPair();
  const { namespace } = net.host("b");
  using ours = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  using theirs = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  const spec: XdpSpec = { ...onEth0, mechanism: "netlink" };
  using attachment = attach(ours, spec, { namespace });
  net.host("b").exec("ip", ["link", "set", "dev", "eth0", "xdp", "off"]);
  using other = attach(theirs, spec, { namespace });
  assert.throws(() => attachment.update(ours), { code: "E_BUSY", message: /replaced by program/ });
  attachment.detach();
  assert.equal(shownProgram(net.host("b")), other.programId);
});

test("a pinned attachment outlives its owner and is adopted by the next", options, () => {
  using net = testPair();
  const { namespace } = net.host("b");
  using first = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  using second = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  for (const mechanism of ["link", "netlink"] as const) {
    const spec: XdpSpec = { ...onEth0, mechanism };
    using pin = temporaryPin();
    const { path } = pin;
    const original = attach(first, spec, { namespace });
    original.pin(path);
    original.close();
    assert.equal(shownProgram(net.host("b")), first.info().id);
    assert.throws(() => adopt(path, { hook: "xdp", device: "lo" }, { namespace }), { code: "E_USAGE" });
    using adopted = adopt(path, spec, { namespace });
    assert.equal(adopted.programId, first.info().id);
    adopted.update(second);
    assert.equal(shownProgram(net.host("b")), second.info().id);
    adopted.detach();
    assert.equal(shownProgram(net.host("b")), undefined);
    assert.throws(() => adopt(path, spec, { namespace }), { code: "E_USAGE", message: /nothing is pinned/ });
  }
});

test("a stale owner of a pinned link notices that another process replaced its program", options, () => {
  using net = testPair();
  const { namespace } = net.host("b");
  const [first, second, third] = [0, 1, 2].map(() => loadConstant("xdp", PASS, { expectedAttachType: "xdp" }));
  using pin = temporaryPin();
  const { path } = pin;
  using original = attach(first!, onEth0, { namespace });
  original.pin(path);
  using adopted = adopt(path, onEth0, { namespace });
  adopted.update(second!);
  first!.close(); // nobody has it any more: the kernel cannot be asked to compare with it
  assert.throws(() => original.update(third!), { code: "E_BUSY", message: /replaced by program/ });
  original.detach();
  for (const program of [second, third]) program?.close();
});

test("bad targets and unfit programs give one clear error", options, () => {
  using net = testPair({ mtu: 9000 });
  const { namespace } = net.host("b");
  using xdp = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  using classifier = loadConstant("sched_cls", 0);
  assert.throws(() => attach(xdp, { hook: "xdp", device: "eth7" }, { namespace }), {
    code: "E_NO_DEVICE",
    remedy: /eth0/,
  });
  assert.throws(() => attach(classifier, onEth0, { namespace }), {
    code: "E_USAGE",
    message: /cannot be attached at xdp/,
  });
  assert.throws(() => attach(xdp, onEth0, { namespace }), { code: "E_USAGE", message: /MTU/ });
  assert.throws(() => attach(xdp, { hook: "xdp", device: "lo", mode: "native" }, { namespace }), {
    code: "E_NOT_SUPPORTED",
  });
});

test("updating an attachment whose device went away says so", options, () => {
  const net = testPair();
  using xdp = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
  using attachment = attach(xdp, onEth0, { namespace: net.host("b").namespace });
  net.host("b").exec("ip", ["link", "del", "eth0"]);
  assert.throws(() => attachment.update(xdp), { code: "E_NO_DEVICE", message: /gone/ });
  attachment.detach();
  net.close();
});

test("an XDP attachment knows that its device is gone, and detaches without complaint", options, () => {
  for (const mechanism of ["link", "netlink"] as const) {
    using net = testPair();
    const host = net.host("b");
    using program = loadConstant("xdp", PASS, { expectedAttachType: "xdp" });
    using attachment = attach(program, { ...onEth0, mechanism }, { namespace: host.namespace });
    assert.equal(attachment.isAttached(), true);
    host.exec("ip", ["link", "del", "dev", "eth0"]);
    assert.equal(attachment.isAttached(), false, mechanism);
    attachment.detach();
  }
});
