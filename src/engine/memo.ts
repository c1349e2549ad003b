import { isImmutable } from "../compiler/hir/immutable.ts";

/** A pure function that remembers what it made of objects that cannot change. */
export function memoOf<In extends object, Out>(make: (value: In) => Out): (value: In) => Out {
  const known = new WeakMap<In, Out>();
  return (value) => {
    const found = known.get(value);
    if (found !== undefined) return found;
    const out = make(value);
    if (isImmutable(value)) known.set(value, out);
    return out;
  };
}
