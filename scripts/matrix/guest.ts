import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { findProgram } from "./host-tools.ts";
import type { Kernel } from "./kernels.ts";
import { type GuestRecord, secondsWord } from "./records.ts";

export interface GuestParts {
  readonly kernel: Kernel;
  readonly initramfs: string;
  readonly disk: string;
  /** Takes what the guest prints on its console. */
  readonly consoleFile: string;
  /** The whole guest has this long. */
  readonly seconds: number;
}

export interface GuestRun {
  readonly records: readonly GuestRecord[];
  readonly seconds: number;
  /** Undefined when the guest did all that it had to do, else what happened, as part of a sentence. */
  readonly trouble: string | undefined;
}

/** A guest that says nothing at all for this long did not boot (3 to 6 seconds; two or three times that under load). */
const bootSeconds = 90;
/** Of the time of a guest, this much is for booting and for powering off. */
const reservedSeconds = 30;
const memoryMegabytes = 1536;

/** Guests under way, to be ended with us. */
const running = new Set<{ kill(signal: NodeJS.Signals): boolean }>();

export function stopGuests(): void {
  for (const guest of running) guest.kill("SIGKILL");
}

/** Boots a kernel in an emulated machine and collects what the checks inside tell. */
export async function runGuest(parts: GuestParts, onRecord: (record: GuestRecord) => void): Promise<GuestRun> {
  const started = performance.now();
  const child = spawn(findProgram("qemu-system-x86_64")!, qemuArguments(parts), { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let late: string | undefined;
  const stopAfter = (seconds: number, what: string) =>
    setTimeout(() => {
      late ??= what;
      child.kill("SIGKILL");
    }, seconds * 1000);
  const boot = stopAfter(bootSeconds, `did not boot within ${bootSeconds} s`);
  const whole = stopAfter(parts.seconds, `was stopped after ${parts.seconds.toFixed(0)} s`);
  const records: GuestRecord[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const record = parse(line);
    if (!record) return;
    clearTimeout(boot);
    records.push(record);
    onRecord(record);
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const exit = await new Promise<number | null | Error>((resolve) => {
    child.once("error", resolve);
    child.once("close", resolve);
  });
  clearTimeout(boot);
  clearTimeout(whole);
  running.delete(child);
  const trouble = late ?? describe(exit, complaint, records);
  return { records, seconds: (performance.now() - started) / 1000, trouble };
}

function qemuArguments({ kernel, initramfs, disk, consoleFile, seconds }: GuestParts): string[] {
  const checkSeconds = Math.max(1, Math.floor(seconds - reservedSeconds));
  return [
    // One processor: under emulation two make fork and exec three times slower. 5-level page tables are slow, too.
    ...["-M", "q35", "-accel", "tcg", "-cpu", "max,la57=off", "-smp", "1", "-m", String(memoryMegabytes)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-kernel", kernel.image, "-initrd", initramfs],
    ...["-append", `console=ttyS0 quiet panic=-1 mitigations=off ${secondsWord}=${checkSeconds}`],
    ...["-drive", `file=${disk},if=virtio,format=raw,readonly=on`],
    ...["-chardev", `file,id=console,path=${consoleFile}`, "-serial", "chardev:console"],
    ...["-chardev", "stdio,id=records,signal=off", "-serial", "chardev:records"],
  ];
}

/** A line that is no record is noise of the serial line: what is missing shows in the end. */
function parse(line: string): GuestRecord | undefined {
  try {
    return JSON.parse(line) as GuestRecord;
  } catch {
    return undefined;
  }
}

function describe(exit: number | null | Error, complaint: string, records: readonly GuestRecord[]): string | undefined {
  if (exit instanceof Error) return `could not be started: ${exit.message}`;
  if (records.at(-1)?.kind === "end") return undefined;
  return `ended early (QEMU's exit code is ${exit}) ${complaint.trim()}`.trim();
}
