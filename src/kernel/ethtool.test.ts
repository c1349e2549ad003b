import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { NotSupported } from "../errors.ts";
import { hasFeature, readFeatures, readQueues, setFeatures } from "./ethtool.ts";
import { NetworkNamespace } from "./namespaces.ts";
import { NETLINK_ROUTE } from "./netlink/constants.ts";
import { createLink } from "./netlink/create-link.ts";
import { NetlinkSocket } from "./netlink/socket.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

test("offloads are switched and read as ethtool(8) shows them", { skip }, () => {
  using namespace = NetworkNamespace.createUnnamed();
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  createLink(socket, { kind: "veth", name: "v0", rxQueues: 3, txQueues: 2, peer: { name: "v1" } });
  const shown = (line: string) => {
    const text = namespace.run(() => execFileSync("ethtool", ["-k", "v0"], { encoding: "utf8" }));
    return new RegExp(`^\\s*${line}: (on|off)`, "m").exec(text)?.[1];
  };
  assert.equal(hasFeature(readFeatures("v0", namespace), "txChecksum"), true);
  setFeatures("v0", { txChecksum: false, txVlan: false, genericReceive: true }, namespace);
  assert.equal(shown("tx-checksumming"), "off");
  assert.equal(shown("tx-vlan-offload"), "off");
  assert.equal(shown("generic-receive-offload"), "on");
  assert.equal(hasFeature(readFeatures("v0", namespace), "txVlan"), false);
  setFeatures("v0", { txChecksum: true, tcpSegmentation: false, genericReceive: false }, namespace);
  assert.equal(shown("tx-checksumming"), "on");
  assert.equal(shown("tcp-segmentation-offload"), "off");
  assert.equal(shown("generic-receive-offload"), "off");
  assert.deepEqual(readQueues("v0", namespace), { rx: 3, tx: 2, rxMaximum: 3, txMaximum: 2 });
});

test("what a device cannot change and devices that do not exist give clear errors", { skip }, () => {
  using namespace = NetworkNamespace.createUnnamed();
  assert.throws(
    () => setFeatures("lo", { txChecksum: false }, namespace),
    (error) => error instanceof NotSupported && /lo does not let txChecksum/.test(error.message),
  );
  assert.throws(() => readFeatures("nope", namespace), { code: "E_NO_DEVICE", message: /"nope"/ });
  assert.throws(() => readQueues("lo", namespace), NotSupported);
});
