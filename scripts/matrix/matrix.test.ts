import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kernel } from "./kernels.ts";
import { newestImage } from "./packages.ts";
import type { GuestRecord } from "./records.ts";
import { summaryLine, table } from "./report.ts";
import { resultsOf } from "./results.ts";

const kernel: Kernel = { series: "6.1", release: "6.1.0-56-cloud-amd64", image: "", folder: "" };

test("takes the newest kernel of a series by its numbers", () => {
  const names = [
    "linux-image-6.12-cloud-amd64",
    "linux-image-6.12.9+deb12-cloud-amd64",
    "linux-image-6.12.90+deb12-cloud-amd64",
    "linux-image-6.12.90+deb12.1-cloud-amd64",
    "linux-image-6.12.90+deb12.2-amd64",
    "linux-image-6.1.0-56-cloud-amd64",
    "linux-image-6.1.0-9-cloud-amd64",
    "linux-image-6.13.1-cloud-amd64-unsigned",
  ];
  assert.equal(newestImage(names, "6.12"), "linux-image-6.12.90+deb12.1-cloud-amd64");
  assert.equal(newestImage(names, "6.1"), "linux-image-6.1.0-56-cloud-amd64");
  assert.equal(newestImage(names, "6.13"), undefined);
});

test("a group that did not come to its end counts as failed", () => {
  const records: GuestRecord[] = [
    { kind: "begin", release: kernel.release },
    { kind: "group", group: "features" },
    { kind: "check", group: "features", name: "tcx", status: "unsupported", reason: "no such link type" },
    { kind: "through", group: "features", seconds: 1 },
    { kind: "group", group: "fuzz" },
    { kind: "check", group: "fuzz", name: "seed 1 program 1", status: "accepted" },
  ];
  const run = { records, seconds: 9, trouble: "ended early" };
  const results = resultsOf(kernel, ["features", "fuzz"], run);
  assert.equal(summaryLine([results]), "1 accepted, 1 not supported, 1 failed");
  assert.deepEqual(results.checks.at(-1), {
    kind: "check",
    group: "fuzz",
    name: "all of them",
    status: "failed",
    reason: "not through: the guest ended early",
  });
});

test("shows kernels side by side, and reasons below", () => {
  const check = (series: string, status: "accepted" | "unsupported"): GuestRecord[] => [
    { kind: "check", group: "features", name: "tcx", status, reason: `on ${series}` },
    { kind: "through", group: "features", seconds: 1 },
  ];
  const results = (["accepted", "unsupported"] as const).map((status, index) => {
    const release = `6.${index}.1`;
    const run = { records: check(release, status), seconds: 1, trouble: undefined };
    return resultsOf({ ...kernel, release }, ["features"], run);
  });
  const expected = [
    "          6.0.1     6.1.1",
    "features",
    "  tcx     accepted  NotSupported",
    "",
    "6.1.1: NotSupported features tcx: on 6.1.1",
  ];
  assert.equal(table(results, ["features"]), expected.join("\n"));
});
