import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import { toJson } from "../json.ts";
import type { OutputFormat } from "../report.ts";
import { isTerminal, paint, terminalSize } from "../terminal.ts";
import { renderEntry, renderEvent, renderSnapshot } from "./render.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where `run` shows what happens. */
export interface RunOutput {
  /** Something about the run itself: attached, replaced. `data` is what JSON readers get. */
  status(text: string, data: object): void;
  event(declaration: MapDeclaration, event: unknown): void;
  snapshots(snapshots: readonly Snapshot[]): void;
  /** The last word; the screen stays as it is. */
  end(): void;
}

export function makeOutput(format: OutputFormat): RunOutput {
  if (format === "json") return new LineOutput(true);
  return isTerminal() ? new LiveOutput() : new LineOutput(false);
}

/** A line for each event and for each entry that changed: for files, pipes and programs. */
class LineOutput implements RunOutput {
  readonly #json: boolean;
  readonly #last = new Map<string, string>();

  constructor(json: boolean) {
    this.#json = json;
  }

  status(text: string, data: object): void {
    if (this.#json) process.stdout.write(`${toJson(data)}\n`);
    else process.stderr.write(`${text}\n`);
  }

  event(declaration: MapDeclaration, event: unknown): void {
    const { name } = declaration;
    process.stdout.write(`${this.#json ? toJson({ event: name, value: event }) : renderEvent(declaration, event)}\n`);
  }

  snapshots(snapshots: readonly Snapshot[]): void {
    const lines: string[] = [];
    for (const { declaration, entries } of snapshots) {
      for (const entry of entries) {
        const { key, value } = entry;
        const place = `${declaration.name} ${toJson(key)}`;
        const text = toJson(value);
        if (this.#last.get(place) === text) continue;
        this.#last.set(place, text);
        lines.push(this.#json ? toJson({ map: declaration.name, key, value }) : renderEntry(declaration, entry));
      }
    }
    if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
  }

  end(): void {}
}

/** Tables that are drawn anew in place; events and messages scroll above them. */
class LiveOutput implements RunOutput {
  #drawn = 0;
  #text = "";
  #pending: string[] = [];
  #scheduled = false;

  status(text: string): void {
    this.#print(paint("dim", text));
  }

  event(declaration: MapDeclaration, event: unknown): void {
    this.#print(renderEvent(declaration, event));
  }

  snapshots(snapshots: readonly Snapshot[]): void {
    const { rows, columns } = terminalSize();
    const each = Math.max(3, Math.floor((rows - 2) / Math.max(1, snapshots.length)) - 4);
    const lines = snapshots
      .map((one) => renderSnapshot(one, each))
      .join("\n\n")
      .split("\n");
    this.#text = lines
      .slice(0, rows - 1)
      .map((line) => cutLine(line, columns))
      .join("\n");
    this.#draw();
  }

  end(): void {
    this.#draw();
  }

  /** Many events at once are one write. */
  #print(line: string): void {
    this.#pending.push(line);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    const above = this.#pending.length > 0 ? `${this.#pending.join("\n")}\n` : "";
    const body = this.#text === "" ? "" : `${this.#text}\n`;
    process.stdout.write(`${up}\r\x1b[J${above}${body}`);
    this.#drawn = body === "" ? 0 : body.split("\n").length - 1;
    this.#pending = [];
  }
}

const ESCAPE = "\x1b";
const colourCode = new RegExp(`(${ESCAPE}\\[[0-9;]*m)`);

/** Cuts a line with colours at the terminal's edge: a wrapped line would break the count of lines. */
function cutLine(line: string, columns: number): string {
  let visible = 0;
  let result = "";
  for (const part of line.split(colourCode)) {
    if (part.startsWith(ESCAPE)) result += part;
    else {
      result += part.slice(0, Math.max(0, columns - visible));
      visible += part.length;
    }
  }
  return result;
}
