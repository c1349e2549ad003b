/** `JSON.rawJSON` of V8, which the declarations of TypeScript do not have yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** One line of JSON. Integers of any size are written in full; bytes are a string of hexadecimal digits. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, replace) ?? "null";
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return rawJSON(String(value));
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}
