import { openDescriptors } from "../../../kernel/sys/descriptor.ts";
import { demand, type Stage } from "../stage.ts";

/** What this process holds of the kernel: programs, maps, links and namespaces go with their descriptors. */
export class Leftovers {
  readonly #before: number = openDescriptors().length;

  get count(): number {
    return openDescriptors().length - this.#before;
  }
}

export function leftoversStage(leftovers: Leftovers): Stage {
  return {
    title: "everything is unloaded without a trace",
    expected: "nothing attached, pinned or open",
    async show() {
      demand(leftovers.count === 0, `${leftovers.count} descriptors are open`);
      return "nothing is left";
    },
  };
}
