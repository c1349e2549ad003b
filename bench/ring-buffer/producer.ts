/** Runs a loaded program over and over on one processor: node producer.ts PROGRAM-ID CPU SECONDS */
import { buildPacket } from "../../src/capture/packet.ts";
import { KernelProgram } from "../../src/kernel/programs.ts";
import { errno } from "../../src/kernel/sys/errno.ts";
import { hasErrno } from "../../src/kernel/system-error.ts";
import { pinTo } from "../lib/machine.ts";

const REPEAT = 200_000;
const [id, cpu, seconds] = process.argv.slice(2).map(Number);
pinTo(cpu!);
using program = KernelProgram.fromId(id!);
const packet = buildPacket("eth / ip / udp 1 > 2 / payload 40");
for (const end = performance.now() + seconds! * 1000; performance.now() < end; ) {
  try {
    program.testRun({ packet, repeat: REPEAT });
  } catch (error) {
    // A signal breaks a test run off; what it had done was counted by the program.
    if (!hasErrno(error, errno.EINTR)) throw error;
  }
}
