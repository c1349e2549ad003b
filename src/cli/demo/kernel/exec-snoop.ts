import { spawnSync } from "node:child_process";
import type * as ExecSnoop from "../../../../examples/exec-snoop.ts";
import { RunningFunction } from "../../../engine/running.ts";
import { compileExample } from "../examples.ts";
import { demand, type Stage } from "../stage.ts";
import { takeEvents } from "./events.ts";

const starts = 20;

/** A tracer: every program that is started, with ground truth from the processes that the demo starts itself. */
export const execSnoopStage: Stage = {
  title: "a tracer at a tracepoint",
  expected: `exactly the ${starts} programs that the demo starts`,
  async show(say) {
    const module = await compileExample("exec-snoop", say);
    using fn = new RunningFunction<typeof ExecSnoop>(module);
    fn.attachTracepoints();
    const started = new Set<number>();
    for (let index = 0; index < starts; index++) started.add(spawnSync("/bin/true").pid);
    const seen = new Map<number, number>();
    const mine = only(fn.events, (one) => started.has(one.process));
    for (const event of await takeEvents(mine, starts)) {
      seen.set(event.process, (seen.get(event.process) ?? 0) + 1);
    }
    say(`${started.size} programs started, ${seen.size} seen`);
    const once = [...seen.values()].every((times) => times === 1);
    demand(once && seen.size === started.size, `${seen.size} of ${started.size} seen`);
    return `${seen.size} of ${started.size} seen, each once`;
  },
};

/** Other processes of the machine are not the demo's. */
async function* only<E>(events: AsyncIterable<E>, wanted: (event: E) => boolean): AsyncGenerator<E> {
  for await (const event of events) if (wanted(event)) yield event;
}
