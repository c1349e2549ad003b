import type { Applied } from "../../api/graph.ts";
import { renderChanges } from "../../engine/graph/render.ts";
import type { Outcome } from "../changes.ts";

/** The answer to a request that changes the graph. */
export function appliedAnswer(outcome: Outcome): Applied {
  const { revision, seconds } = outcome;
  if (!outcome.changed) {
    return { changed: false, revision, changes: [], text: "", loaded: [], kept: outcome.kept, renewed: {}, seconds };
  }
  const { changes, loaded, kept, renewed } = outcome.applied;
  const text = renderChanges(changes);
  return { changed: true, revision, changes, text, loaded, kept, renewed: Object.fromEntries(renewed), seconds };
}
