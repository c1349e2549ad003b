/** Frames that scapy makes and judges, through real devices: test/judges/acl.py says which. */
import { testJudgements } from "../../../test/judges/run.ts";

testJudgements("acl");
