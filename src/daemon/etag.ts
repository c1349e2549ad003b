import type { Revision } from "../engine/store/revisions.ts";
import { PreconditionError } from "./problems.ts";

/** The live graph's entity tag: the number of its revision. */
export function tagOf(revision: Revision | undefined): string {
  return `"${revision?.number ?? 0}"`;
}

/** @throws PreconditionError when If-Match names other revisions. Weak tags match nothing (RFC 9110, 13.1.1). */
export function requireMatch(ifMatch: string | undefined, revision: Revision | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  if (tagsIn(ifMatch).includes(tagOf(revision))) return;
  const now = revision?.number ?? 0;
  throw new PreconditionError(`the graph is at revision ${now}, the change was made for ${ifMatch}`);
}

export function matchesNone(ifNoneMatch: string | undefined, revision: Revision | undefined): boolean {
  if (ifNoneMatch === undefined) return true;
  const tags = tagsIn(ifNoneMatch).map((tag) => tag.replace(/^W\//, ""));
  return !(ifNoneMatch.trim() === "*" || tags.includes(tagOf(revision)));
}

function tagsIn(header: string): readonly string[] {
  return header.split(",").map((tag) => tag.trim());
}
