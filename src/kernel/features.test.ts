import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { after, test } from "node:test";
import { IovisorError, NotSupported } from "../errors.ts";
import { cgroupRoot } from "./cgroups.ts";
import { features, helperFeature, probe, requireFeature, skipWithout, supports } from "./features.ts";
import { NetworkNamespace } from "./namespaces.ts";
import { leakedDescriptors, openDescriptors } from "./sys/descriptor.ts";
import { skipWithoutBpf } from "./testing.ts";

const skip = { skip: skipWithoutBpf };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

test("names are unique and each feature names its first kernel", () => {
  assert.equal(new Set(features.map((feature) => feature.name)).size, features.length);
  for (const feature of features) assert.match(feature.minimumKernel, /^\d+\.\d+$/, feature.name);
});

test("every probe answers, with a reason where the answer is no, and leaves nothing behind", skip, () => {
  const home = NetworkNamespace.current();
  for (const { name } of features) {
    const result = probe(name);
    if (!result.supported) assert.ok(result.reason.length > 10, name);
    assert.equal(probe(name), result, "the answer is cached");
  }
  const there = NetworkNamespace.current();
  assert.equal(there.inode, home.inode);
  there.close();
  home.close();
  if (supports("cgroup-connect4")) {
    const own = readdirSync(cgroupRoot()).filter((name) => name.startsWith(`iov${process.pid}_probe`));
    assert.deepEqual(own, []);
  }
});

test("what every kernel that we promise has is found", skip, () => {
  for (const name of ["bpf", "btf", "isa-v3", "atomics", "bpf-loop", "batch", "map:ringbuf", "map:lru_hash"]) {
    assert.deepEqual(probe(name), { supported: true }, name);
  }
});

test("map types agree with bpftool's probes", skip, () => {
  const json = execFileSync("bpftool", ["feature", "probe", "kernel", "-j"], { encoding: "utf8", timeout: 30_000 });
  const theirs = (JSON.parse(json) as { map_types: Record<string, boolean> }).map_types;
  let compared = 0;
  for (const [key, supported] of Object.entries(theirs)) {
    const name = `map:${key.replace(/^have_(.*)_map_type$/, "$1")}`;
    if (!features.some((feature) => feature.name === name)) continue;
    assert.equal(supports(name), supported, name);
    compared++;
  }
  assert.ok(compared > 20);
});

test("helpers are known per program type", skip, () => {
  assert.deepEqual(helperFeature("xdp", "redirect_map"), { supported: true });
  assert.deepEqual(helperFeature("sched_cls", "skb_change_tail"), { supported: true });
  const refused = helperFeature("xdp", "skb_change_tail");
  assert.ok(!refused.supported && /cannot use helper|unknown func/.test(refused.reason));
  assert.throws(() => helperFeature("xdp", "no_such_helper"), IovisorError);
});

test("a missing feature is NotSupported with its name, reason and first kernel", skip, (context) => {
  const missing = features.find((feature) => !supports(feature.name));
  if (!missing) return context.skip("this kernel has every feature");
  assert.throws(
    () => requireFeature(missing.name),
    (error) =>
      error instanceof NotSupported && error.feature === missing.name && error.minimumKernel === missing.minimumKernel,
  );
  assert.match(String(skipWithout("bpf", missing.name)), new RegExp(`^${missing.name}: `));
  assert.equal(skipWithout("bpf"), false);
  requireFeature("bpf");
  assert.throws(() => probe("no-such-feature"), /there is no feature/);
});
