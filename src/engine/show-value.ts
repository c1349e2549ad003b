const shownLength = 60;

/** A value as a message shows it. */
export function showValue(value: unknown): string {
  const text = shownWhole(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}...` : text;
}

function shownWhole(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner)) ?? String(value);
  } catch (error) {
    // JSON.stringify recurses: what is nested too deeply ends its stack, what refers to itself has no end.
    if (error instanceof RangeError || error instanceof TypeError) return Array.isArray(value) ? "a list" : "an object";
    throw error;
  }
}
