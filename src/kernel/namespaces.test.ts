import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { NAMESPACE_DIRECTORY, NetworkNamespace } from "./namespaces.ts";
import { leakedDescriptors, openDescriptors } from "./sys/descriptor.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const name = `iov${process.pid}ns`;
const own = () => readlinkSync("/proc/thread-self/ns/net");

test("a named namespace is one that `ip netns` lists and enters, and deleting it leaves nothing", { skip }, () => {
  const before = openDescriptors();
  {
    using namespace = NetworkNamespace.create(name);
    try {
      assert.ok(NetworkNamespace.list().includes(name));
      assert.ok(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }).includes(name));
      const seen = execFileSync("ip", ["netns", "exec", name, "readlink", "/proc/self/ns/net"], { encoding: "utf8" });
      assert.equal(seen.trim(), `net:[${namespace.inode}]`);
      using again = NetworkNamespace.open(name);
      assert.equal(again.inode, namespace.inode);
      assert.throws(() => NetworkNamespace.create(name), { code: "E_BUSY" });
    } finally {
      NetworkNamespace.delete(name);
    }
  }
  assert.ok(!existsSync(`${NAMESPACE_DIRECTORY}/${name}`));
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(name));
  assert.deepEqual(leakedDescriptors(before), []);
  assert.throws(() => NetworkNamespace.open(name), { code: "E_NO_NAMESPACE" });
  assert.throws(() => NetworkNamespace.delete(name), { code: "E_NO_NAMESPACE" });
});

test("run works inside and comes back, also after an error and from nested runs", { skip }, () => {
  const home = own();
  using outer = NetworkNamespace.createUnnamed();
  using inner = NetworkNamespace.createUnnamed();
  const seen = outer.run(() => [own(), inner.run(own), own()]);
  assert.deepEqual(
    seen,
    [outer, inner, outer].map(({ inode }) => `net:[${inode}]`),
  );
  assert.throws(
    () =>
      outer.run(() => {
        throw new RangeError("inside");
      }),
    RangeError,
  );
  assert.throws(() => outer.run(async () => 1), { code: "E_USAGE" });
  assert.equal(own(), home);
});

test("a process started inside stays inside, and its namespace opens by its pid", {
  skip,
  timeout: 10_000,
}, async () => {
  using namespace = NetworkNamespace.createUnnamed();
  const child = namespace.run(() => spawn("sleep", ["10"], { stdio: "ignore" }));
  try {
    using seen = NetworkNamespace.ofProcess(child.pid!);
    assert.equal(seen.inode, namespace.inode);
  } finally {
    child.kill();
    await once(child, "exit");
  }
  assert.throws(() => NetworkNamespace.ofProcess(child.pid!), { code: "E_NO_NAMESPACE" });
});

test("names that would lead out of the directory are refused", () => {
  for (const bad of ["", ".", "..", "a/b", "a\0b"]) {
    assert.throws(() => NetworkNamespace.open(bad), { code: "E_USAGE" });
  }
});
