import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import { skipWithoutNetwork, testPair } from "../../../test/network/network.ts";
import { NotSupported } from "../../errors.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { skipWithoutBpf } from "../testing.ts";
import { attach } from "./attach.ts";
import { CountingProgram } from "./testing.ts";

const options = { skip: skipWithoutBpf || skipWithoutNetwork, timeout: 20_000 };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

const DROP = 0;
const ACCEPT = 1;

test("a netfilter program sees the packets of its point in its namespace, and is replaced", options, async (t) => {
  using net = testPair();
  const { namespace } = net.host("b");
  try {
    using drop = new CountingProgram("netfilter", DROP, { expectedAttachType: "netfilter" });
    using accept = new CountingProgram("netfilter", ACCEPT, { expectedAttachType: "netfilter" });
    const receiver = await net.host("b").udp("192.0.2.2", 9);
    const sender = await net.host("a").udp("192.0.2.1");
    const spec = { hook: "netfilter", family: "ipv4", point: "input", priority: -7 } as const;
    using attachment = attach(drop, spec, { namespace });
    assert.throws(() => attach(accept, spec, { namespace }), { code: "E_BUSY", remedy: /priority/ });
    sender.send("dropped", 9, "192.0.2.2");
    while (drop.count === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    using unfit = new CountingProgram("xdp", 2, { expectedAttachType: "xdp" });
    assert.throws(() => attachment.update(unfit), { errno: 22 });
    assert.equal(attachment.programId, drop.id);
    sender.send("dropped", 9, "192.0.2.2");
    while (drop.count < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    attachment.update(accept);
    const message = once(receiver, "message");
    sender.send("accepted", 9, "192.0.2.2");
    assert.equal(String((await message)[0]), "accepted");
    assert.deepEqual([drop.count, accept.count, attachment.programId], [2, 1, accept.id]);
    attachment.detach();
    receiver.close();
    sender.close();
  } catch (error) {
    if (!(error instanceof NotSupported)) throw error;
    t.skip(error.message);
  }
});

test("a socket look-up program decides in its namespace", options, async () => {
  using net = testPair();
  using drop = new CountingProgram("sk_lookup", DROP, { expectedAttachType: "sk_lookup" });
  using pass = new CountingProgram("sk_lookup", ACCEPT, { expectedAttachType: "sk_lookup" });
  const server = await net.host("b").listen("192.0.2.2", 80);
  server.on("connection", (connection) => connection.destroy());
  using attachment = attach(drop, { hook: "sk-lookup" }, { namespace: net.host("b").namespace });
  assert.equal(attachment.target, net.host("b").namespace.name);
  await assert.rejects(net.host("a").connect("192.0.2.2", 80), { code: "ECONNREFUSED" });
  attachment.update(pass);
  (await net.host("a").connect("192.0.2.2", 80)).destroy();
  assert.ok(drop.count > 0 && pass.count > 0);
  server.close();
});
