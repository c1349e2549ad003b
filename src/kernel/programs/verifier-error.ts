/** A program that the verifier refused. */
import { IovisorError } from "../../errors.ts";
import { errnoName } from "../sys/errno.ts";
import { lineAt } from "./line-info.ts";
import type { ProgramBtf } from "./spec.ts";
import { causeInWords, tooMuchToWalk } from "./verifier-causes.ts";
import { type ParsedLog, parseVerifierLog, type SourcePlace } from "./verifier-log.ts";

function placeText(place: SourcePlace): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
}

function messageOf(
  program: string,
  parsed: ParsedLog,
  source: SourcePlace | undefined,
  cause: string | undefined,
): string {
  const place = source ? placeText(source) : "";
  const lines = [
    `${place ? `${place}: ` : ""}the kernel's verifier refused program "${program}": ${cause ?? parsed.reason}`,
  ];
  if (source?.text) lines.push(`  ${source.text}`);
  if (cause) lines.push(`  verifier: ${parsed.reason}`);
  if (parsed.explanation && parsed.explanation !== parsed.reason) lines.push(`  kernel: ${parsed.explanation}`);
  if (parsed.suggestion) lines.push(`  suggestion: ${parsed.suggestion}`);
  return lines.join("\n");
}

const remedies = {
  size: "give its loops fewer rounds, or divide it: by tailCall, or into functions of a graph",
  other: "what compiles should not be refused: please report it, with the whole log (--verifier-log)",
} as const;

/** Thrown when BPF_PROG_LOAD refuses a program and says why in its log. */
export class VerifierError extends IovisorError {
  override readonly name = "VerifierError";
  readonly program: string;
  /** Positive, as in errno(3): most often EACCES or EINVAL. */
  readonly errno: number;
  /** The whole log. */
  readonly log: string;
  /** The log's line that says why. */
  readonly lastLine: string;
  /** The cause in words, for reasons that are known. */
  readonly causeText: string | undefined;
  /** Where in the source, from the program's line information or the log. */
  readonly source: SourcePlace | undefined;
  /** The refused instruction, counted in 8-byte slots. */
  readonly slot: number | undefined;
  readonly parsed: ParsedLog;

  constructor(program: string, errno: number, log: string, btf: ProgramBtf | undefined) {
    const parsed = parseVerifierLog(log);
    const own = btf && parsed.slot !== undefined ? lineAt(btf, parsed.slot) : undefined;
    const source = own ?? parsed.source;
    // A report alone, without a line of the trace, speaks in words already.
    const cause = parsed.reason === parsed.explanation ? undefined : causeInWords(parsed.reason);
    super(
      "E_VERIFIER",
      messageOf(program, parsed, source, cause) || `refused with ${errnoName(errno)}`,
      tooMuchToWalk.test(parsed.reason) ? remedies.size : remedies.other,
    );
    this.program = program;
    this.errno = errno;
    this.log = log;
    this.lastLine = parsed.lastLine;
    this.causeText = cause;
    this.source = source;
    this.slot = parsed.slot;
    this.parsed = parsed;
  }

  /** Whether the program is sound as far as the verifier walked it, but too much for it: shorter ones may do. */
  get isForSize(): boolean {
    return tooMuchToWalk.test(this.parsed.reason);
  }
}
