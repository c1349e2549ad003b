import { matchingLines, type Project } from "./project.ts";

/** Folders of one machine. `/root` and the like in a sentence are fine; a path below them is not. */
const machinePaths = /(?<![\w.~-])\/(work|root|home)\/\w/;

/** Where packages came from is the machine's business (.npmrc); public pages may be linked. */
const registryHosts = /\bregistry\.[\w-]+\.[a-z]{2,}|\b(?:artifactory|nexus|verdaccio)\b/i;

/** How the text came to be is no part of the product. */
const makers = [
  /\b(claude|anthropic|chatgpt|openai|copilot|language model|sub-?agents?|coding agents?)\b/i,
  /\b(AI|LLM)s?\b/,
  /\b(this|previous|earlier|next|last|developer) session\b/i,
  /\b(other|another|the) helpers? (session|will|writes?|wrote|works?)\b/i,
  /\bthe (brief|lead)\b/i,
  /\bissue #?\d+\b/i,
];

export function machinePathLines(project: Project): string[] {
  return lines(project, (line) => machinePaths.test(line) || registryHosts.test(line));
}

export function makerLines(project: Project): string[] {
  return lines(project, (line) => makers.some((pattern) => pattern.test(line)));
}

/** Files whose subject these words are. */
const exempt = /^test\/tidy(\/words\.ts|\.test\.ts)$/;

function lines(project: Project, wanted: (line: string) => boolean): string[] {
  return [...project].flatMap(([path, text]) => (exempt.test(path) ? [] : matchingLines(path, text, wanted)));
}
