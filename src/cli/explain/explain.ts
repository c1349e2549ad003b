import { createMapStore, type ListedStore } from "../../compiler/hir/interpret.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { Codec } from "../../engine/codec.ts";
import { compileModulePrograms } from "../../engine/compiled.ts";
import { compileSource } from "../../engine/source.ts";
import { chooseProgram } from "../../engine/targets.ts";
import type { AttachSpec } from "../../kernel/hooks.ts";
import type { HookName } from "../../language/kinds.ts";
import type { ExplainArguments } from "../commands/explain.ts";
import { exitCodes } from "../exit-codes.ts";
import { toJson } from "../json.ts";
import { renderEntry, renderEvent } from "../run/render.ts";
import { parseSettings } from "../run/settings.ts";
import { addUp, type Entry } from "../run/snapshot.ts";
import { paint, withProgress } from "../terminal.ts";
import { decodeEvent, type Execution, requirePacketHook, runInKernel, runInVm, verdictName } from "./execute.ts";
import { readPacket, showPacket } from "./packet.ts";
import { type PathLine, tracePath } from "./path.ts";

/** `iovisor explain`: one packet's way through a function. Gives the exit code. */
export async function explainPacket(file: string, args: ExplainArguments): Promise<number> {
  const packet = readPacket(args.packet, args.index);
  const settings = parseSettings(args.set);
  const { module } = await withProgress(`compiling ${file}`, () => compileSource(file));
  const { program, hook } = chooseProgram(module, { hook: args.hook, device: "" } as AttachSpec, args.program);
  requirePacketHook(hook);
  const { prepared, programs } = compileModulePrograms(module, { settings, hooks: [hook.name] });
  const compiled = programs.find((one) => one.program.name === program.name)!;
  const execution = args.kernel
    ? runInKernel(module, { program, hook }, settings, packet)
    : runInVm(prepared.module, compiled, packet);
  const stores = module.maps.map((map) => createMapStore(map));
  const input = { hook: hook.name as HookName, packet, settings: prepared.settings, maps: stores, ingressIfindex: 1 };
  const { result, lines } = tracePath(module, program, input);
  const explanation: Explanation = {
    title: `${module.name}: ${program.name} at ${hook.name}`,
    packet,
    lines,
    execution,
    verdict: verdictName(hook, execution.code),
    agreed: result.verdict?.code === execution.code && equalBytes(result.packet ?? packet, execution.packet),
    expected: result.verdict?.code === undefined ? "none" : verdictName(hook, result.verdict.code),
    entries: module.maps.flatMap((map, index) =>
      changes(module, index, stores[index]!).map((entry) => ({ map, entry })),
    ),
    events: result.events.map((event) => decodeEvent(module, event)),
  };
  process.stdout.write(`${args.output === "json" ? toJson(jsonOf(explanation)) : render(explanation)}\n`);
  return explanation.agreed ? exitCodes.ok : exitCodes.failed;
}

interface Explanation {
  readonly title: string;
  readonly packet: Uint8Array;
  readonly lines: readonly PathLine[];
  readonly execution: Execution;
  readonly verdict: string;
  /** Whether interpreter and compiled program came to the same result. */
  readonly agreed: boolean;
  readonly expected: string;
  readonly entries: readonly { readonly map: Module["maps"][number]; readonly entry: Entry }[];
  readonly events: ReturnType<typeof decodeEvent>[];
}

/** What the run left in a map that was empty; of an array what is no longer zero. */
function changes(module: Module, index: number, store: ListedStore): Entry[] {
  const { key, value, kind } = module.maps[index]!;
  if (!key || !value) return [];
  const [keys, values] = [new Codec<unknown>(key), new Codec<unknown>(value)];
  const isArray = kind === "array" || kind === "perCpuArray";
  return store
    .entries()
    .filter((entry) => !isArray || entry.values.some((bytes) => bytes.some((byte) => byte !== 0)))
    .map((entry) => ({ key: keys.decode(entry.key), value: addUp(entry.values.map((bytes) => values.decode(bytes))) }));
}

function render({ title, packet, lines, execution, ...rest }: Explanation): string {
  const width = Math.max(0, ...lines.map(({ text }) => text.length));
  const path = lines.flatMap(({ file, line, text, values }, index) => [
    ...(index > 0 && lines[index - 1]!.file === file ? [] : [paint("dim", file)]),
    `${String(line).padStart(5)}  ${text.padEnd(Math.min(width, 70))}  ${paint("cyan", showValues(values))}`.trimEnd(),
  ]);
  const steps = execution.steps === undefined ? "" : `, ${execution.steps} instructions`;
  const changed = equalBytes(packet, execution.packet) ? "unchanged" : showPacket(execution.packet);
  return [
    `${paint("bold", title)}`,
    `packet   ${showPacket(packet)}`,
    ...path,
    `verdict  ${paint("bold", rest.verdict)} in the ${execution.where}${steps}`,
    `packet   ${changed}`,
    ...rest.entries.map(({ map, entry }) => `map      ${renderEntry(map, entry)}`),
    ...rest.events.map(({ map, event }) => `event    ${renderEvent(map, event)}`),
    ...(rest.agreed ? [] : [paint("red", disagreement(rest.expected))]),
  ].join("\n");
}

function disagreement(expected: string): string {
  return `the interpreter came to ${expected}, or to another packet: this is a defect of iovisor, please report it`;
}

function showValues(values: PathLine["values"]): string {
  return values.map(({ name, value }) => `${name} = ${value}`).join(", ");
}

function jsonOf({ execution, entries, events, ...rest }: Explanation): object {
  return {
    ...rest,
    where: execution.where,
    code: execution.code,
    steps: execution.steps,
    packetAfter: execution.packet,
    maps: entries.map(({ map, entry }) => ({ map: map.name, ...entry })),
    events: events.map(({ map, event }) => ({ event: map.name, value: event })),
  };
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.from(left).equals(right);
}
