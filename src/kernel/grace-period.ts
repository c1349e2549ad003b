/** Waiting until no program runs any more that could have seen an earlier state (RCU). */

import { syscall, syscallAside } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";

/** Waits for an RCU grace period (kernel/sched/membarrier.c); kernels with nohz_full processors refuse it. */
const MEMBARRIER_CMD_GLOBAL = 1;

/**
 * Memory that packets may still read is free a grace period after it was replaced. `begin` starts one aside, so that
 * whoever needs the memory later seldom waits: a grace period takes 4 to 20 ms.
 */
export class GracePeriod {
  #wanted = 0;
  #passed = 0;
  #isWaiting = false;

  /** From now on nobody finds the old memory. */
  begin(): void {
    this.#wanted++;
    if (!this.#isWaiting) this.#waitAside();
  }

  /** One at a time: many replacements in a row must not fill up the threads for calls aside. */
  #waitAside(): void {
    const turn = this.#wanted;
    this.#isWaiting = true;
    syscallAside([NR.membarrier, MEMBARRIER_CMD_GLOBAL], (result) => {
      this.#isWaiting = false;
      if (result !== 0) return;
      this.#passed = Math.max(this.#passed, turn);
      if (this.#passed < this.#wanted) this.#waitAside();
    });
  }

  /** Returns when the last `begin` is a grace period ago; false where the kernel gives no such promise. */
  wait(): boolean {
    if (this.#passed === this.#wanted) return true;
    if (syscall(NR.membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) !== 0) return false;
    this.#passed = this.#wanted;
    return true;
  }
}
