/**
 * Reads the verifier's log. It is a trace of instructions that ends with a line or two of reason. For many refusals
 * kernels from Linux 7.3 on add a report with sections (kernel/bpf/diagnostics.c): "Verification failed: CATEGORY:
 * PROBLEM", "Reason", "At", "Causal path", "Suggestion". The reason is taken from the trace in both, so that the same
 * refusal has the same words on all kernels, and what the report adds is kept beside it.
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
  /** "trace" up to Linux 7.2, and later where the kernel has no report for the refusal; else "report". */
  readonly form: "trace" | "report";
  /** The trace's last line that says why; the {@link explanation} of a report without such a line. */
  readonly lastLine: string;
  /** All that the trace says about the refusal, in one line: often two lines belong together. */
  readonly reason: string;
  /** Reports only: their problem and reason in the kernel's longer words. */
  readonly explanation?: string;
  /** The slot of the refused instruction. */
  readonly slot?: number;
  readonly source?: SourcePlace;
  /** Reports only: what the kernel suggests. */
  readonly suggestion?: string;
  /** Reports only: how the offending value came to be, line by line. */
  readonly causalPath?: readonly string[];
  readonly statistics?: VerifierStatistics;
}

const STATISTICS = /^processed (\d+) insns \(limit \d+\) max_states_per_insn \d+ total_states (\d+) peak_states (\d+)/m;
/** Lines after the reason; those of subprograms since 7.3. */
const TRAILER = /^(processed \d+ insns|verification time|stack depth|subprog \d+ \(|max_states_per_insn|func#\d+ @)/;
const TRACED = /^(\d+): \([0-9a-f]{2}\) /;
/** "; text @ file.ts:12:5"; the column since 6.19, place since 6.8, before that the text alone. */
const COMMENT = /^; (.*?)(?: @ (\S+?):(\d+)(?::(\d+))?)?$/;

/** The statistics at the end of a log, if the verifier got that far. */
export function parseStatistics(log: string): VerifierStatistics | undefined {
  const counts = STATISTICS.exec(log);
  if (!counts) return undefined;
  const time = /^verification time (\d+) usec/m.exec(log);
  return {
    processed: Number(counts[1]),
    totalStates: Number(counts[2]),
    peakStates: Number(counts[3]),
    stackDepths: stackDepths(log),
    ...(time ? { microseconds: Number(time[1]) } : {}),
  };
}

/** "stack depth 16+8" up to Linux 7.2; since then a line per subprogram that ends with "stack 16". */
function stackDepths(log: string): number[] {
  const sum = /^stack depth (\d[\d+]*)/m.exec(log);
  if (sum) return sum[1]!.split("+").filter(Boolean).map(Number);
  return [...log.matchAll(/^subprog \d+ \(.* stack (\d+)$/gm)].map((match) => Number(match[1]));
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

/** `lines` begin with the title of the report; `trace` is what precedes it. */
function parseReport(lines: readonly string[], problem: string, trace: ParsedLog): ParsedLog {
  const reason = joined(section(lines, "Reason"));
  const suggestion = joined(section(lines, "Suggestion"));
  const causalPath = section(lines, "Causal path").map((line) => line.trimEnd());
  const explanation = reason ? `${problem}: ${reason}` : problem;
  return {
    ...trace,
    form: "report",
    lastLine: trace.lastLine || explanation,
    reason: trace.reason || explanation,
    explanation,
    ...parseAt(section(lines, "At")),
    ...(suggestion ? { suggestion } : {}),
    ...(causalPath.length > 0 ? { causalPath } : {}),
  };
}

const REPORT_TITLE = "Verification failed: ";

/** Finds what a reader needs in a log of either form. */
export function parseVerifierLog(log: string): ParsedLog {
  const lines = log.split("\n");
  const statistics = parseStatistics(log);
  // The last report counts: the verifier stops at the first failure, but global functions are tried one by one.
  const start = lines.findLastIndex((line) => line.startsWith(REPORT_TITLE));
  const trace = parseTrace(start < 0 ? lines : lines.slice(0, start));
  const parsed =
    start < 0 ? trace : parseReport(lines.slice(start), lines[start]!.slice(REPORT_TITLE.length).trim(), trace);
  return { ...parsed, ...(statistics ? { statistics } : {}) };
}
