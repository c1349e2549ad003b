/**
 * Sends frames out of a device as fast as the kernel can make them: node frame-generator.ts IFINDEX CPU SECONDS
 *
 * BPF_F_TEST_XDP_LIVE_FRAMES (Linux 5.18) with a program of one redirect. Runs in the device's network namespace.
 */
import { callHelper, exit, movImm } from "../../src/bytecode/build.ts";
import { buildPacket } from "../../src/capture/packet.ts";
import { KernelProgram } from "../../src/kernel/programs.ts";
import { errno } from "../../src/kernel/sys/errno.ts";
import { hasErrno } from "../../src/kernel/system-error.ts";
import { pinTo } from "./machine.ts";

const REDIRECT = 23;
/** Some seconds: between two calls the kernel patches its XDP dispatcher, and no frames come. */
const FRAMES_PER_CALL = 4_000_000;

const [ifindex, cpu, seconds] = process.argv.slice(2).map(Number);
pinTo(cpu!);
const instructions = [movImm(1, ifindex!), movImm(2, 0), callHelper(REDIRECT), exit()];
using program = KernelProgram.load({ name: "generator", type: "xdp", instructions, license: "GPL" });
const packet = buildPacket("eth / ip / udp 1 > 2 / payload 18");
for (const end = performance.now() + seconds! * 1000; performance.now() < end; ) {
  try {
    program.testRun({ packet, live: true, repeat: FRAMES_PER_CALL });
  } catch (error) {
    if (!hasErrno(error, errno.EINTR)) throw error;
  }
}
