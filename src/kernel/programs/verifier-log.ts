/**
 * Reads the verifier's log. Up to Linux 7.2 it is a trace of instructions that ends with one line of reason; later
 * kernels add a report with sections (kernel/bpf/diagnostics.c): "Verification failed: CATEGORY: PROBLEM", "Reason",
 * "At", "Causal path", "Suggestion".
 */

/** A place in the source. Lines and columns count from 1. */
export interface SourcePlace {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The source line itself, without indentation. */
  readonly text?: string;
}

/** What the verifier counted. */
export interface VerifierStatistics {
  /** Instructions that were walked over all paths; the limit is 1,000,000. */
  readonly processed: number;
  readonly totalStates: number;
  readonly peakStates: number;
  /** Bytes of stack of the main function and of each subprogram. */
  readonly stackDepths: readonly number[];
  readonly microseconds?: number;
}

/** A log in parts. */
export interface ParsedLog {
  /** "trace" up to Linux 7.2, "report" from 7.3. */
  readonly form: "trace" | "report";
  /** The last line that says why; for reports their problem and reason. */
  readonly lastLine: string;
  /** All that the verifier says about the refusal, in one line: often two lines of a trace belong together. */
  readonly reason: string;
  /** The slot of the refused instruction. */
  readonly slot?: number;
  readonly source?: SourcePlace;
  /** Newer form only: what the kernel suggests. */
  readonly suggestion?: string;
  /** Newer form only: how the offending value came to be, line by line. */
  readonly causalPath?: readonly string[];
  readonly statistics?: VerifierStatistics;
}

const STATISTICS = /^processed (\d+) insns \(limit \d+\) max_states_per_insn \d+ total_states (\d+) peak_states (\d+)/m;
const TRAILER = /^(processed \d+ insns|verification time|stack depth|max_states_per_insn|func#\d+ @)/;
const TRACED = /^(\d+): \([0-9a-f]{2}\) /;
/** "; text @ file.ts:12:5"; the column since 6.19, place since 6.8, before that the text alone. */
const COMMENT = /^; (.*?)(?: @ (\S+?):(\d+)(?::(\d+))?)?$/;

/** The statistics at the end of a log, if the verifier got that far. */
export function parseStatistics(log: string): VerifierStatistics | undefined {
  const counts = STATISTICS.exec(log);
  if (!counts) return undefined;
  const time = /^verification time (\d+) usec/m.exec(log);
  const depths = /^stack depth ([\d+]+)/m.exec(log);
  return {
    processed: Number(counts[1]),
    totalStates: Number(counts[2]),
    peakStates: Number(counts[3]),
    stackDepths: depths ? depths[1]!.split("+").filter(Boolean).map(Number) : [],
    ...(time ? { microseconds: Number(time[1]) } : {}),
  };
}

function commentPlace(line: string): SourcePlace | undefined {
  const match = COMMENT.exec(line);
  if (!match) return undefined;
  const [, text, file, number, column] = match;
  return {
    ...(text ? { text: text.trim() } : {}),
    ...(file ? { file } : {}),
    ...(number ? { line: Number(number) } : {}),
    ...(column ? { column: Number(column) } : {}),
  };
}

function slotInText(line: string): number | undefined {
  const match = /\binsn (\d+)/.exec(line);
  return match ? Number(match[1]) : undefined;
}

/** Lines of a trace that say how far the verifier was, not what is wrong. */
const PROGRESS =
  /^(\d+: |from \d+ to |mark_precise|caller:|callee:|frame\d|returning from|to caller|func#|; |\s*R\d+=|Validating )/;

function reasonOf(lines: readonly string[], end: number): string {
  const reasons: string[] = [];
  for (let at = end; at >= 0 && !PROGRESS.test(lines[at]!); at--) reasons.unshift(lines[at]!.trim());
  return reasons.filter(Boolean).join("; ");
}

function parseTrace(lines: readonly string[]): ParsedLog {
  let end = lines.length - 1;
  while (end >= 0 && (lines[end]!.trim() === "" || TRAILER.test(lines[end]!))) end--;
  const lastLine = end < 0 ? "" : lines[end]!.trim();
  let traced: number | undefined;
  let source: SourcePlace | undefined;
  for (let at = end; at >= 0 && (traced === undefined || source === undefined); at--) {
    const match = traced === undefined ? TRACED.exec(lines[at]!) : null;
    if (match) traced = Number(match[1]);
    source ??= commentPlace(lines[at]!);
  }
  const slot = slotInText(lastLine) ?? traced;
  return {
    form: "trace",
    lastLine,
    reason: reasonOf(lines, end) || lastLine,
    ...(slot === undefined ? {} : { slot }),
    ...(source ? { source } : {}),
  };
}

/** The lines of a section: those that follow its title up to the next title at the margin. */
function section(lines: readonly string[], title: string): string[] {
  const start = lines.indexOf(`${title}:`);
  if (start < 0) return [];
  let end = start + 1;
  while (end < lines.length && (lines[end]!.startsWith(" ") || lines[end] === "")) end++;
  return lines.slice(start + 1, end).filter((line) => line.trim() !== "");
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => line.trim()).join(" ");
}

function parseAt(at: readonly string[]): { slot?: number; source?: SourcePlace } {
  const place = /^\s+(?:\S+ @ )?(\S+):(\d+):(\d+)$/.exec(at[0] ?? "");
  const marked = at.map((line) => />>>\s+(\d+) \| (.*)$/.exec(line)).filter((match) => match !== null);
  // With source lines the first mark is the source line and the last one the instruction.
  const text = place && marked.length > 1 ? marked[0]![2]!.trim() : undefined;
  const slot = marked.at(-1)?.[1] ?? /insn (\d+)/.exec(at[0] ?? "")?.[1];
  const source = place && {
    file: place[1]!,
    line: Number(place[2]),
    column: Number(place[3]),
    ...(text ? { text } : {}),
  };
  return { ...(slot === undefined ? {} : { slot: Number(slot) }), ...(source ? { source } : {}) };
}

function parseReport(lines: readonly string[], problem: string): ParsedLog {
  const reason = joined(section(lines, "Reason"));
  const suggestion = joined(section(lines, "Suggestion"));
  const causalPath = section(lines, "Causal path").map((line) => line.trimEnd());
  const lastLine = reason ? `${problem}: ${reason}` : problem;
  return {
    form: "report",
    lastLine,
    reason: lastLine,
    ...parseAt(section(lines, "At")),
    ...(suggestion ? { suggestion } : {}),
    ...(causalPath.length > 0 ? { causalPath } : {}),
  };
}

/** Finds what a reader needs in a log of either form. */
export function parseVerifierLog(log: string): ParsedLog {
  const lines = log.split("\n");
  const statistics = parseStatistics(log);
  // The last report counts: the verifier stops at the first failure, but global functions are tried one by one.
  const start = lines.findLastIndex((line) => line.startsWith("Verification failed: "));
  const parsed =
    start < 0
      ? parseTrace(lines)
      : parseReport(lines.slice(start), lines[start]!.slice("Verification failed: ".length));
  return { ...parsed, ...(statistics ? { statistics } : {}) };
}
