/** Where the process starts. */
import { exitCodes } from "./exit-codes.ts";
import { main } from "./program.ts";

// A reader that went away (`iovisor ls | head`) is no error. A command that has to clean up listens, too, and ends
// itself.
let told = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  const gone = error.code === "EPIPE";
  if (!gone && !told) {
    process.stderr.write(`error: the output cannot be written: ${error.message.split(",")[0]}\n`);
    process.stderr.write("  make room, or send it elsewhere [E_SYSCALL]\n");
  }
  told = true;
  if (process.stdout.listenerCount("error") === 1) process.exit(gone ? exitCodes.ok : exitCodes.failed);
});
process.stderr.on("error", () => {}); // there is nowhere left to say so
const args = process.argv.slice(2);
process.title = ["iovisor", ...args].join(" "); // what ps, and the owner column of `iovisor ls`, show
process.exitCode = await main(args);
