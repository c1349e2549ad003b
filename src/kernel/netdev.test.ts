import assert from "node:assert/strict";
import { test } from "node:test";
import { findDevice } from "./devices.ts";
import { NetworkNamespace } from "./namespaces.ts";
import { readXdpFeatures } from "./netdev.ts";
import { NETLINK_ROUTE } from "./netlink/constants.ts";
import { createLink } from "./netlink/create-link.ts";
import { NetlinkSocket } from "./netlink/socket.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

test("a driver tells whether it has XDP", { skip }, (t) => {
  using namespace = NetworkNamespace.createUnnamed();
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  createLink(socket, { kind: "veth", name: "v0", peer: { name: "v1" } });
  const features = readXdpFeatures(findDevice("v0", namespace).index, namespace);
  if (!features) {
    t.skip("the kernel does not tell (Linux 6.3 does)");
    return;
  }
  assert.deepEqual([features.basic, features.redirect], [true, true]);
  const loopback = readXdpFeatures(findDevice("lo", namespace).index, namespace);
  assert.deepEqual(loopback, { basic: false, redirect: false, transmit: false });
});
