import type { Applied } from "../../api/graph.ts";
import { renderChanges } from "../../engine/graph/render.ts";
import type { Outcome } from "../changes.ts";

/** The answer to a request that changes the graph. */
export function appliedAnswer(outcome: Outcome): Applied {
  const { revision, seconds } = outcome;
  if (!outcome.changed) {
    const nothing = { changes: [], text: "", loaded: [], renewed: {}, warnings: [] };
    return { changed: false, revision, ...nothing, kept: outcome.kept, seconds };
  }
  const { changes, loaded, kept, renewed, warnings } = outcome.applied;
  const text = renderChanges(changes);
  const lost = Object.fromEntries(renewed);
  return { changed: true, revision, changes, text, loaded, kept, renewed: lost, warnings: [...warnings], seconds };
}
