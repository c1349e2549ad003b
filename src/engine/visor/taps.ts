import type { PacketFilter } from "../../capture/filter.ts";
import * as build from "../../compiler/hir/build.ts";
import { IovisorError } from "../../errors.ts";
import { KernelMap } from "../../kernel/maps.ts";
import { EventSource } from "../events.ts";
import { mapSpec } from "../map-spec.ts";
import { makeMapTypes } from "../map-types.ts";
import {
  mostTaps,
  type Tap,
  type TapPoints,
  type TapPorts,
  tapDeclarations,
  tapLosses,
  tapRing,
} from "../pipeline/taps.ts";
import type { NumberedModel } from "./model.ts";

/** A port that somebody looks at. */
export interface TappedPort {
  readonly instance: string;
  /** All of them where it is left out. */
  readonly port?: string;
  /** What comes in there with what becomes of it, what leaves there, what came in there and is dropped. */
  readonly what: readonly ("in" | "out" | "dropped")[];
}

/** What somebody looks at, by names: revisions come and go meanwhile. */
export interface TapRequest {
  readonly number: number;
  /** Without ports packets are followed through all functions. */
  readonly ports: readonly TappedPort[] | undefined;
  readonly filter: PacketFilter | undefined;
  readonly snapBytes: number;
  readonly ringBytes: number;
}

/** A record of a tap's ring, decoded. */
export interface TapRecord {
  readonly id: bigint;
  readonly time: bigint;
  readonly argument: number;
  readonly instance: number;
  readonly port: number;
  readonly tag: number;
  readonly event: number;
  readonly length: number;
  readonly packet: Uint8Array;
}

const everything: TapPoints = { in: "all", out: [], dropped: [] };

/** A request in the numbers of a revision. What is not in the revision is left out. */
export function tapOf({ ports, ...request }: TapRequest, { identities }: Pick<NumberedModel, "identities">): Tap {
  const names = Object.keys(identities);
  if (!ports) {
    const points = Object.fromEntries(names.map((name) => [name, everything]));
    return { ...request, follows: true, points };
  }
  const tapped = names.flatMap((name) => {
    const here = ports.filter(({ instance }) => instance === name);
    const numbers = (what: TappedPort["what"][number]): TapPorts => {
      const wanted = here.filter((port) => port.what.includes(what));
      if (wanted.some(({ port }) => port === undefined)) return "all";
      return [...new Set(wanted.flatMap(({ port = "" }) => identities[name]!.ports[port] ?? []))];
    };
    const points: TapPoints = { in: numbers("in"), out: numbers("out"), dropped: numbers("dropped") };
    return Object.values(points).every((each) => each.length === 0) ? [] : [[name, points] as const];
  });
  return { ...request, follows: false, points: Object.fromEntries(tapped) };
}

/** The maps of a tap. They are pinned nowhere: they end with the process and the programs that fill them. */
export class OpenTap implements Disposable {
  readonly request: TapRequest;
  readonly serial: number;
  readonly events: EventSource<TapRecord>;
  readonly maps: Readonly<Record<string, KernelMap>>;

  constructor(request: TapRequest, serial: number) {
    this.request = request;
    this.serial = serial;
    using stack = new DisposableStack();
    const module = build.module([], { maps: tapDeclarations({ ...request, follows: false, points: {} }) });
    using types = makeMapTypes(module);
    const maps = module.maps.map((declaration) => {
      const spec = mapSpec(module, declaration, types.ids);
      return stack.use(KernelMap.create(spec, types.object ? { btf: types.object } : {}));
    });
    this.maps = Object.fromEntries(module.maps.map(({ name }, index) => [name, maps[index]!]));
    this.events = new EventSource(module.maps[0]!, this.maps[tapRing(request)]!);
    stack.move();
  }

  /** Records that found no room in the ring. */
  get lost(): bigint {
    const values = this.maps[tapLosses(this.request)]!.lookup(new Uint8Array(4));
    if (!values) return 0n;
    const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
    let sum = 0n;
    for (let at = 0; at < view.byteLength; at += 8) sum += view.getBigUint64(at, true);
    return sum;
  }

  [Symbol.dispose](): void {
    this.events[Symbol.dispose]();
    for (const map of Object.values(this.maps)) map.close();
  }
}

/** The taps of a running graph. */
export class TapSet implements Disposable {
  readonly #open = new Map<number, OpenTap>();
  #serial = 0;

  get requests(): readonly TapRequest[] {
    return [...this.#open.values()].map((tap) => tap.request);
  }

  /** @throws E_BUSY when there are as many as can be */
  open(request: Omit<TapRequest, "number">): OpenTap {
    const number = Array.from({ length: mostTaps }, (_, index) => index).find((index) => !this.#open.has(index));
    if (number === undefined) {
      throw new IovisorError("E_BUSY", `${mostTaps} captures and traces are running`, "end one of them first");
    }
    const tap = new OpenTap({ ...request, number }, ++this.#serial);
    this.#open.set(number, tap);
    return tap;
  }

  /** Programs that were prepared from now on are without it. Its maps are closed by whoever opened it. */
  remove(tap: OpenTap): void {
    this.#open.delete(tap.request.number);
  }

  /** What programs of these taps differ by beside their code. */
  serials(taps: readonly Tap[]): readonly number[] {
    return taps.map(({ number }) => this.#open.get(number)!.serial);
  }

  named(taps: readonly Tap[]): Readonly<Record<string, KernelMap>> {
    return Object.assign({}, ...taps.map(({ number }) => this.#open.get(number)!.maps)) as Record<string, KernelMap>;
  }

  [Symbol.dispose](): void {
    for (const tap of this.#open.values()) tap[Symbol.dispose]();
    this.#open.clear();
  }
}
