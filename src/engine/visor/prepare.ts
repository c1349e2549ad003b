import type { CompiledProgram } from "../../compiler/compile.ts";
import type { DeviceRecord } from "../datapath/device-table.ts";
import { compileComposed } from "../datapath/load-composed.ts";
import { type CutLimits, stagesOf, usualLimits } from "../pipeline/cut.ts";
import { notedPorts, type TableSizes } from "../pipeline/tables.ts";
import { tapMaps } from "../pipeline/taps.ts";
import { refusedFor, TooMuchWork, type WorkFactors, WorkMemory } from "../pipeline/work.ts";
import type { Form } from "../within-limits.ts";
import { type AttachmentRecord, attachmentOf } from "./attachments.ts";
import { checkHooks } from "./check-hooks.ts";
import { type Entry, entriesOf } from "./entries.ts";
import { floodTargets, untaggedPorts } from "./floods.ts";
import { type Identities, numberEntries, placePipelines } from "./identities.ts";
import { type Model, ModuleCache, type NumberedModel, numberModel } from "./model.ts";
import { type PlannedPipeline, planPipelines } from "./pipelines.ts";
import type { PairRecord } from "./record.ts";
import { type TapRequest, tapOf } from "./taps.ts";

/** A revision that is worked out: nothing is compiled or touched yet. */
export interface Prepared {
  readonly model: Model;
  readonly numbered: NumberedModel;
  readonly identities: Identities;
  readonly entries: readonly Entry[];
  readonly pipelines: readonly PlannedPipeline[];
  readonly attachments: readonly AttachmentRecord[];
  readonly devices: readonly DeviceRecord[];
  readonly pairs: readonly PairRecord[];
  /** What its pipelines were cut by. */
  readonly workFactors: WorkFactors;
}

/** What is kept from one revision to the next, so that an apply costs what it changes. */
export class Workshop {
  readonly #limits: CutLimits;
  #work = new WorkMemory();
  readonly #modules = new ModuleCache();
  /** By the pipelines' fingerprints, in the form that was asked for last. */
  #compiled = new Map<string, Form & { readonly code: CompiledProgram }>();
  /** Fingerprints of functions whose fast form was refused, though they stood alone. */
  #tooMuch: ReadonlySet<string> = new Set();

  constructor(limits: CutLimits = usualLimits) {
    this.#limits = limits;
  }

  /** @throws E_SETTING, E_DIAGNOSTICS, E_USAGE, E_GRAPH for what the devices' hooks cannot do */
  prepare(model: Model, before: Identities, sizes: TableSizes, requests: readonly TapRequest[] = []): Prepared {
    const workFactors = this.#work.use();
    const numbered = numberModel(model, before.instances, sizes, this.#modules, workFactors);
    checkHooks(model, numbered);
    const entries = entriesOf(model, numbered);
    let slots: Identities["slots"] = {};
    const place = (keys: readonly string[]) => (slots = placePipelines(before.slots, keys, sizes));
    const taps = requests.map((request) => tapOf(request, numbered));
    const limits = { ...this.#limits, maps: this.#limits.maps - tapMaps * taps.length };
    const pipelines = planPipelines({ numbered, entries, place, tables: sizes, limits, taps });
    const keys = entries.map((entry) => entry.key);
    const numbers = numberEntries(before.entries, keys, sizes);
    const identities: Identities = { instances: numbered.identities, slots, entries: numbers };
    return {
      model,
      numbered,
      identities,
      entries,
      pipelines,
      attachments: entries.flatMap((entry) => {
        if (entry.side === "inner") return [];
        const device = model.devices.find((one) => one.alias === entry.device)!;
        return attachmentOf(entry, numbers[entry.key]!, device) ?? [];
      }),
      devices: devicesOf(model, numbered),
      pairs: pairsOf(model, numbered, entries, numbers),
      workFactors,
    };
  }

  /** Makes pipelines as a process before did. */
  adopt(factors: WorkFactors): void {
    this.#work = new WorkMemory(factors);
  }

  /**
   * Takes note of what the verifier had to do for a program.
   *
   * @param processed undefined where it gave up
   * @throws TooMuchWork where the program's functions would better be cut apart: the next preparation does it
   */
  loaded({ functions, pipeline, work }: PlannedPipeline, processed: number | undefined): void {
    this.#work.learn(functions, work, processed ?? refusedFor);
    const isTooMuch = processed === undefined || processed > this.#limits.work;
    if (isTooMuch && stagesOf(pipeline.root).length > 1) throw new TooMuchWork(pipeline.root.instance);
    if (processed === undefined) this.#tooMuch = new Set([...this.#tooMuch, ...functions]);
  }

  /** Whether the verifier gave up over the pipeline's only function before. */
  wasTooMuch({ functions, pipeline }: PlannedPipeline): boolean {
    return stagesOf(pipeline.root).length === 1 && functions.every((one) => this.#tooMuch.has(one));
  }

  /** What was made before is kept. */
  compile(planned: PlannedPipeline, form: Form = { fewPaths: false }): CompiledProgram {
    const known = this.#compiled.get(planned.fingerprint);
    if (known?.fewPaths === form.fewPaths) return known.code;
    const code = compileComposed(planned.compose(), planned.pipeline.hook, form);
    this.#compiled.set(planned.fingerprint, { ...form, code });
    return code;
  }

  /** Forgets what the revision that is live now does not use. */
  turn(live: readonly PlannedPipeline[]): void {
    this.#modules.turn();
    const used = new Set(live.map((pipeline) => pipeline.fingerprint));
    this.#compiled = new Map([...this.#compiled].filter(([fingerprint]) => used.has(fingerprint)));
    this.#tooMuch = new Set(live.flatMap(({ functions }) => functions.filter((one) => this.#tooMuch.has(one))));
  }
}

/** The devices that ports lead to, as far as they are there. */
function devicesOf(model: Model, numbered: NumberedModel): readonly DeviceRecord[] {
  const devices = new Map(model.devices.map((device) => [device.alias, device]));
  const usesXdp = model.devices.some(({ hook }) => hook === "xdp");
  return [...numbered.instances.values()].flatMap(({ node, floodGroups }) => {
    const untagged = untaggedPorts({ floodGroups });
    return node.peers.flatMap((peer, port): DeviceRecord[] => {
      const device = peer?.kind === "device" || peer?.kind === "host" ? devices.get(peer.device) : undefined;
      if (!device?.found) return [];
      const { netns } = device;
      return [
        {
          ...{ port: node.firstPort + port, ifindex: device.found.ifindex },
          ...(netns === undefined ? {} : { netns }),
          ...(usesXdp && port < notedPorts && untagged.has(port) ? { untag: port } : {}),
        },
      ];
    });
  });
}

/** The hidden pairs that a graph needs. At TCX a packet can only be sent to devices of the namespace that it is in. */
function pairsOf(
  model: Model,
  { instances, topology }: NumberedModel,
  entries: readonly Entry[],
  numbers: Identities["entries"],
): readonly PairRecord[] {
  const hooks = [...new Set(entries.filter((entry) => entry.side === "inner").map((entry) => entry.hook))];
  return hooks.flatMap((hook): readonly PairRecord[] => {
    const netns = hook === "tcx" ? model.devices.find((device) => device.hook === "tcx")?.netns : undefined;
    if (hook === "tcx") return [{ hook, ...(netns === undefined ? {} : { netns }) }];
    // Copies for one function and for another one must not leave by one device (datapath/egress-program.ts).
    const targets = floodTargets([...instances.values()], { topology, entries: numbers }, hook);
    return targets.length === 0 ? [{ hook }] : targets.map((entry) => ({ hook, entry }));
  });
}
