import { type FunctionAttachment, type Replacement, RunningFunction } from "../../engine/running.ts";
import { type CompiledSource, compileSource, isCompiled, sourcePath } from "../../engine/source.ts";
import { type AttachTarget, isTracer, parseTarget, tracers, traceSpec } from "../../engine/targets.ts";
import { IovisorError } from "../../errors.ts";
import { hookNamed } from "../../language/kinds.ts";
import { describeError, type OutputFormat } from "../report.ts";
import { withProgress } from "../terminal.ts";
import { describeNeighbours, neighboursOf } from "./neighbours.ts";
import { makeOutput, type RunOutput } from "./output.ts";
import { parseSettings } from "./settings.ts";
import { isShown, takeSnapshot } from "./snapshot.ts";
import { type StopSignal, stopSignal } from "./stop.ts";
import { SourceWatcher } from "./watch.ts";

type ParsedTarget = ReturnType<typeof parseTarget> & Pick<AttachTarget, "netns">;

export interface RunArguments {
  readonly attach: readonly string[];
  readonly set: readonly string[];
  readonly netns?: string;
  readonly watch?: true;
  readonly for?: number;
  /** Milliseconds between two looks at the maps. */
  readonly interval: number;
  readonly output: OutputFormat;
}

/** `iovisor run`: from the source to the hook and back. Gives the exit code. */
export async function runFunction(file: string, args: RunArguments): Promise<number> {
  const settings = parseSettings(args.set);
  const explicit = explicitTargets(args);
  const path = sourcePath(file);
  using stop = stopSignal(args.for);
  const slow = !isCompiled(path);
  const source = await withProgress(`compiling ${file}`, () => compileSource(file), slow);
  const targets = allTargets(source, explicit);
  using running = new RunningFunction(source.module, { settings, targets });
  const output = makeOutput(args.output);
  for (const { where, ...rest } of explicit) announce(output, running.attach(where, rest), args.netns);
  for (const one of running.attachTracepoints()) announce(output, one, undefined);
  const session = new Session(running, source, output, args.output);
  using _watching = args.watch ? session.watch() : undefined;
  return await session.show(stop, args.interval);
}

/** What `--attach` says. @throws E_USAGE also for what would be attached twice */
function explicitTargets({ attach, netns }: RunArguments): readonly ParsedTarget[] {
  const twice = attach.find((text, index) => attach.indexOf(text) < index);
  if (twice !== undefined) {
    throw new IovisorError("E_USAGE", `--attach ${twice} is given twice`, "give each hook and target once");
  }
  return attach.map((text) => {
    const target = parseTarget(text);
    if (isTracer(hookNamed(target.where.hook)!.kind)) {
      const message = `--attach ${text}: tracepoints are named in the source and attached without being asked`;
      throw new IovisorError("E_USAGE", message, "leave this --attach out");
    }
    return { ...target, ...(netns ? { netns } : {}) };
  });
}

function allTargets({ module }: CompiledSource, explicit: readonly ParsedTarget[]): readonly AttachTarget[] {
  const traced = tracers(module).map(({ program }) => ({ where: traceSpec(program), program: program.name }));
  if (explicit.length + traced.length > 0) return [...explicit, ...traced];
  const example = module.programs.some((one) => one.kind === "packet") ? "xdp:eth0" : "cgroup-connect4:/";
  throw new IovisorError(
    "E_USAGE",
    `nothing says where ${module.name} goes`,
    `add --attach, such as --attach ${example}`,
  );
}

function announce(output: RunOutput, one: FunctionAttachment, netns: string | undefined): void {
  const { hook, target, programId } = one;
  const others = neighboursOf(one, netns);
  const text = `attached ${one.program.name} to ${hook.name} of ${target} (program ${programId})`;
  output.status(`${text}${describeNeighbours(others)}`, {
    attached: { hook: hook.name, target, program: one.program.name, programId, ...others },
  });
}

/** A run between attaching and detaching. */
class Session {
  readonly #running: RunningFunction;
  readonly #output: RunOutput;
  readonly #format: OutputFormat;
  #source: CompiledSource;

  constructor(running: RunningFunction, source: CompiledSource, output: RunOutput, format: OutputFormat) {
    this.#running = running;
    this.#source = source;
    this.#output = output;
    this.#format = format;
  }

  /** Shows maps and events until something stops the run. */
  async show(stop: StopSignal, interval: number): Promise<number> {
    const look = (): void => {
      this.#showMaps();
      this.#releaseLost();
    };
    const timer = setInterval(() => this.#attempt(stop, look), interval);
    using events = this.#running.events.named();
    const reading = this.#readEvents(events, stop);
    this.#showMaps();
    try {
      const exitCode = await stop.stopped;
      this.#showMaps();
      return exitCode;
    } finally {
      clearInterval(timer);
      events.close();
      await reading;
      this.#output.end();
    }
  }

  /** Replaces the function when its source, or what that imports, is saved. */
  watch(): Disposable {
    let busy = false;
    let again = false;
    const watcher = new SourceWatcher(this.#source.dependencies, () => void change());
    const change = async (): Promise<void> => {
      again = busy;
      if (busy) return;
      busy = true;
      await this.#recompile(watcher);
      busy = false;
      if (again) await change();
    };
    // The compiler is not in memory yet when the first version came from the cache: load it before the first edit.
    const warming = setTimeout(() => void warmUp(this.#source.path), 50);
    return {
      [Symbol.dispose]: () => {
        clearTimeout(warming);
        watcher[Symbol.dispose]();
      },
    };
  }

  async #recompile(watcher: SourceWatcher): Promise<void> {
    const started = performance.now();
    try {
      const source = await compileSource(this.#source.path);
      const replacement = this.#running.replace(source.module);
      this.#source = source;
      watcher.watch(source.dependencies);
      this.#announceReplacement(replacement, performance.now() - started);
    } catch (error) {
      const name = this.#running.name;
      const text = `${describeError(error)}\n${name}: the version before the edit goes on running`;
      const data = { kept: name, ...JSON.parse(describeError(error, { output: "json" })) };
      this.#output.status(text, data);
    }
  }

  #announceReplacement({ kept, renewed, added }: Replacement, milliseconds: number): void {
    const parts = [
      ...(kept.length > 0 ? [`kept ${kept.join(", ")}`] : []),
      ...[...renewed].map(([name, why]) => `made ${name} anew: ${why}`),
      ...(added.length > 0 ? [`new: ${added.join(", ")}`] : []),
    ];
    const maps = parts.length > 0 ? `; ${parts.join("; ")}` : "";
    const { name } = this.#running;
    this.#output.status(`replaced ${name} in ${milliseconds.toFixed(0)} ms${maps}`, {
      replaced: { name, milliseconds: Math.round(milliseconds), kept, renewed, added },
    });
  }

  async #readEvents(events: AsyncIterable<{ map: string; event: unknown }>, stop: StopSignal): Promise<void> {
    try {
      for await (const { map, event } of events) {
        const declaration = this.#running.module.maps.find((one) => one.name === map);
        if (declaration && declaration.display?.kind !== "hidden") this.#output.event(declaration, event);
      }
    } catch (error) {
      this.#attempt(stop, () => {
        throw error;
      });
    }
  }

  #showMaps(): void {
    const maps = this.#running.maps;
    const shown = this.#running.module.maps.filter((declaration) => isShown(declaration, maps[declaration.name]));
    this.#output.snapshots(shown.map((declaration) => takeSnapshot(declaration, maps[declaration.name]!)));
  }

  /** Tells of attachments whose device or control group is gone. @throws E_NO_DEVICE when that was the last one */
  #releaseLost(): void {
    for (const one of this.#running.attachments) {
      if (one.isAttached()) continue;
      one.detach();
      const { hook, target, program } = one;
      const text = `${hook.name} of ${target} is gone, and program "${program.name}" with it`;
      if (this.#running.attachments.length === 0) {
        throw new IovisorError("E_NO_DEVICE", text, "run the function again when its target is back");
      }
      this.#output.status(text, { lost: { hook: hook.name, target, program: program.name } });
    }
  }

  /** An error while the function runs ends the run, in order. */
  #attempt(stop: StopSignal, work: () => void): void {
    try {
      work();
    } catch (error) {
      process.stderr.write(`${describeError(error, { output: this.#format })}\n`);
      stop.stop(1);
    }
  }
}

async function warmUp(path: string): Promise<void> {
  if (path.endsWith(".json")) return;
  await compileSource(path, { cache: false }).catch(() => undefined);
}
