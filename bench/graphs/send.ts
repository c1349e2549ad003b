/**
 * Sends frames to many destinations as fast as the kernel can make them, until it is killed:
 * node send.ts IFINDEX CPU SECONDS, in the device's network namespace.
 */
import { errno } from "../../src/kernel/sys/errno.ts";
import { hasErrno } from "../../src/kernel/system-error.ts";
import { hirOf } from "../lib/loaded-typescript.ts";
import { pinTo } from "../lib/machine.ts";
import { benchFile } from "../lib/output.ts";
import { manyDestinations } from "./frames.ts";
import { fillFrames, loadProgram } from "./lane.ts";

/** Some seconds: between two calls the kernel patches its XDP dispatcher, and no frames come. */
const framesPerCall = 8_000_000;

const [device, cpu, seconds] = process.argv.slice(2).map(Number);
pinTo(cpu!);
const frames = manyDestinations();
using loaded = loadProgram(await hirOf(benchFile("graphs", "kernel.ts")), "generate", {
  device: device!,
  mask: frames.length - 1,
});
fillFrames(loaded, frames);
const { kernelProgram } = loaded.entries[0]!;
for (const end = performance.now() + seconds! * 1000; performance.now() < end; ) {
  try {
    kernelProgram.testRun({ packet: frames[0]!, live: true, repeat: framesPerCall });
  } catch (error) {
    if (!hasErrno(error, errno.EINTR)) throw error;
  }
}
