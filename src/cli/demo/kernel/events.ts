/** Takes a number of events, or as many as come in time. */
export async function takeEvents<E>(events: AsyncIterable<E>, count: number, patience = 3000): Promise<E[]> {
  const taken: E[] = [];
  const iterator = events[Symbol.asyncIterator]();
  const deadline = AbortSignal.timeout(patience);
  const expired = new Promise<"late">((resolve) => deadline.addEventListener("abort", () => resolve("late")));
  while (taken.length < count) {
    const next = await Promise.race([iterator.next(), expired]);
    if (next === "late" || next.done) break;
    taken.push(next.value);
  }
  await iterator.return?.();
  return taken;
}
