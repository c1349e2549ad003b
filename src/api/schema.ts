import { type Static, type TProperties, type TSchema, Type } from "typebox";

/** The data of a schema as it is passed around: nobody writes into it. */
export type Data<Schema extends TSchema> = ReadonlyDeep<Static<Schema>>;

type ReadonlyDeep<T> = T extends readonly (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
    : T;

/** An object with these members and no other. */
export function object<Properties extends TProperties>(properties: Properties, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description ? { description } : {}) });
}

export function oneOf<const Values extends readonly string[]>(values: Values, description?: string) {
  return Type.Unsafe<Values[number]>({ type: "string", enum: values, ...(description ? { description } : {}) });
}

/** An integer of 64 bits: a number up to 2^53 - 1, and a text of digits beyond. */
export const count = (description: string) =>
  Type.Unsafe<bigint | number | string>({
    anyOf: [
      { type: "integer", minimum: 0 },
      { type: "string", pattern: "^[0-9]{16,20}$" },
    ],
    description,
  });

/** Anything that JSON can say. */
export const json = (description: string) => Type.Unsafe<unknown>({ description });

/** An object whose members the function declares. */
export const openObject = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: "object", description });

export const name = (description: string) => Type.String({ pattern: "^[a-zA-Z][a-zA-Z0-9_-]{0,30}$", description });
