import type { PlannedAction } from "./actions.ts";

/** Actions for people: one line each. Empty for none. */
export function renderActions(actions: readonly PlannedAction[]): string {
  return actions.map((action) => `${render(action)}\n`).join("");
}

function render(action: PlannedAction): string {
  switch (action.kind) {
    case "load":
    case "keep":
    case "unload": {
      const functions = action.functions.length > 0 ? ` (${action.functions.join(", ")})` : "";
      return `${action.kind} pipeline ${action.pipeline}${functions}`;
    }
    case "attach":
    case "detach":
      return `${action.kind} ${action.hook} of ${action.device}${action.netns ? ` in ${action.netns}` : ""}`;
    case "restart":
      return `restart host side of ${action.instance}`;
    case "await":
      return `wait for device ${action.device}`;
  }
}
