/** Frames that scapy makes and judges, through real devices: test/judges/router.py says which. */
import { testJudgements } from "../../../test/judges/run.ts";

testJudgements("router");
