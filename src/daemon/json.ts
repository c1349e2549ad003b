/** JSON of a response. Integers beyond 53 bits are texts of digits, since most readers would round them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, replace);
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}
