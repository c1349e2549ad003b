/** Where the process starts. */
import { exitCodes } from "./exit-codes.ts";
import { main } from "./program.ts";

// A reader that went away (`iovisor ls | head`) is no error. A command that has to clean up listens, too, and ends
// itself.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (process.stdout.listenerCount("error") === 1) process.exit(exitCodes.ok);
});
const args = process.argv.slice(2);
process.title = ["iovisor", ...args].join(" "); // what ps, and the owner column of `iovisor ls`, show
process.exitCode = await main(args);
