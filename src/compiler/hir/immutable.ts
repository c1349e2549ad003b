/** Objects that can never change, with all that is in them: what is worked out from one may be kept for it. */
const known = new WeakSet<object>();

/** Whether `keepImmutable` was told of an object. */
export function isImmutable(value: object): boolean {
  return known.has(value);
}

/** Freezes plain data with all that is in it. */
export function keepImmutable<T>(value: T): T {
  if (typeof value !== "object" || value === null || known.has(value)) return value;
  if (Array.isArray(value)) for (const item of value) keepImmutable(item);
  else for (const name in value) if (Object.hasOwn(value, name)) keepImmutable(value[name]);
  known.add(Object.freeze(value));
  return value;
}
