/** Frames that scapy makes and judges, through real devices: test/judges/acl.py says which. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeFunction, skipWithoutJudges } from "../../../test/judges/run.ts";

for (const hook of ["tcx", "xdp"]) {
  test(`what scapy sends arrives as scapy says (${hook})`, { skip: skipWithoutJudges, timeout: 120_000 }, async (t) => {
    const { faults, verified, cases } = await judgeFunction("acl", hook);
    assert.equal(faults.length, 0, faults.join("\n"));
    assert.ok(verified > cases / 4, `of ${cases} frames only ${verified} arrived`);
    t.diagnostic(`${cases} frames sent, the checksums of ${verified} verified`);
  });
}
