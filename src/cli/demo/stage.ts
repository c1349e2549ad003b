import { IovisorError } from "../../errors.ts";
import { formatTable } from "../table.ts";
import { paint } from "../terminal.ts";

/** A thing that the demo shows. */
export interface Stage {
  /** What is shown, for the table at the end. */
  readonly title: string;
  /** What must be seen for it to hold. */
  readonly expected: string;
  /** Does it and says what was seen; throws {@link NotShown} when that is not what was expected. */
  show(say: Say): Promise<string>;
}

/** A line of what is going on. */
export type Say = (text: string) => void;

/** What was seen is not what was expected. */
export class NotShown extends Error {
  override readonly name = "NotShown";
}

/** Throws when a claim of the demo does not hold; `seen` says what was seen in its place. */
export function demand(holds: boolean, seen: string): void {
  if (!holds) throw new NotShown(seen);
}

interface Outcome {
  readonly stage: Stage;
  readonly held: boolean;
  readonly seen: string;
}

/** Runs the stages one after the other and prints the table of what was shown. Whether all of it held. */
export async function showAll(stages: readonly Stage[]): Promise<boolean> {
  const outcomes: Outcome[] = [];
  for (const [index, stage] of stages.entries()) {
    console.log(`\n${paint("bold", `${index + 1}. ${stage.title}`)}`);
    outcomes.push(await showOne(stage));
  }
  const rows = outcomes.map(({ stage, held, seen }) => [mark(held), stage.title, stage.expected, seen]);
  const columns = [{ title: "" }, { title: "what was shown" }, { title: "expected" }, { title: "seen" }];
  console.log(`\n${formatTable(columns, rows)}`);
  return outcomes.every(({ held }) => held);
}

function mark(held: boolean): string {
  return held ? paint("green", "ok") : paint("red", "FAILED");
}

async function showOne(stage: Stage): Promise<Outcome> {
  try {
    return { stage, held: true, seen: await stage.show((text) => console.log(`   ${text}`)) };
  } catch (error) {
    const seen = describe(error);
    console.log(`   ${paint("red", seen)}`);
    return { stage, held: false, seen };
  }
}

function describe(error: unknown): string {
  if (error instanceof IovisorError) return `${error.message} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}
