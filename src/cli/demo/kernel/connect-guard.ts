import { execFileSync } from "node:child_process";
import type * as ConnectGuard from "../../../../examples/connect-guard.ts";
import { RunningFunction } from "../../../engine/running.ts";
import { Cgroup } from "../../../kernel/cgroups.ts";
import { compileExample } from "../examples.ts";
import { demand, type Stage } from "../stage.ts";

const refusedPort = 9;

/** A guard of a control group: one process inside is refused, one outside is not. */
export const connectGuardStage: Stage = {
  title: "a guard at a control group's connect()",
  expected: "refused inside of the group, not outside",
  async show(say) {
    const module = await compileExample("connect-guard", say);
    using group = Cgroup.create(`iovisor-demo-${process.pid}`);
    using fn = new RunningFunction<typeof ConnectGuard>(module, { settings: { otherwise: "deny" } });
    try {
      fn.attach(`cgroup-connect4:${group.path}`);
      const inside = connectError(group.path);
      const outside = connectError();
      say(`inside: ${inside}; outside: ${outside}`);
      demand(inside === "EPERM" && outside !== "EPERM", `inside: ${inside}, outside: ${outside}`);
      return `inside: ${inside}; outside: ${outside}`;
    } finally {
      fn.close();
      group.remove();
    }
  },
};

/** The error that connect() gives to a process of its own, which joins the group first. Nothing listens there. */
function connectError(group?: string): string {
  const join = group ? `require("node:fs").writeFileSync(${JSON.stringify(`${group}/cgroup.procs`)}, "0");` : "";
  const script = `${join}
    require("node:net").connect(${refusedPort}, "127.0.0.1")
      .on("connect", () => { console.log("connected"); process.exit(); })
      .on("error", (error) => console.log(error.code));`;
  return execFileSync(process.execPath, ["-e", script], { encoding: "utf8", timeout: 10_000 }).trim();
}
