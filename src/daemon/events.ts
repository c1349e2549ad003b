import type { Event, eventKinds } from "../api/machine.ts";

export interface NumberedEvent extends Event {
  readonly id: number;
}

/** Events of the last minutes are kept for readers that lost their connection. */
const kept = 256;

/** What happens in the daemon, for those who watch. */
export class EventHub {
  readonly #recent: NumberedEvent[] = [];
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  readonly #closing = new Set<() => void>();
  /** Numbers go on where a daemon before ended: readers that come back have seen the lower ones. */
  #next = Date.now();

  publish(kind: (typeof eventKinds)[number], data: object, instance?: string): void {
    const event: NumberedEvent = {
      id: this.#next++,
      kind,
      time: new Date().toISOString(),
      ...(instance === undefined ? {} : { instance }),
      data: data as Readonly<Record<string, unknown>>,
    };
    this.#recent.push(event);
    if (this.#recent.length > kept) this.#recent.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** Events behind one that was seen, as far as they are kept. */
  after(id: number): readonly NumberedEvent[] {
    return this.#recent.filter((event) => event.id > id);
  }

  /** @param closed is called when the daemon ends. */
  subscribe(listener: (event: NumberedEvent) => void, closed: () => void): Disposable {
    this.#listeners.add(listener);
    this.#closing.add(closed);
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        this.#closing.delete(closed);
      },
    };
  }

  close(): void {
    for (const closed of [...this.#closing]) closed();
  }
}
