/** Frames that scapy makes and judges, through real devices: test/judges/switch.py says which. */
import { testJudgements } from "../../../test/judges/run.ts";

testJudgements("switch");
