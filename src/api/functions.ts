import { Type } from "typebox";
import { Column } from "./instances.ts";
import { type Data, object, oneOf, openObject } from "./schema.ts";

export const Ports = object({
  kind: oneOf(["fixed", "dynamic"]),
  names: Type.Optional(Type.Array(Type.String(), { description: "of fixed ports" })),
  maximum: Type.Optional(Type.Integer({ description: "of dynamic ports" })),
  settings: Type.Optional(openObject("JSON Schema of a port's configuration")),
});

export const FunctionDescription = object({
  kind: Type.String(),
  title: Type.String(),
  description: Type.String(),
  settings: openObject("JSON Schema of the configuration"),
  ports: Ports,
  tables: Type.Record(
    Type.String(),
    object({
      description: Type.String(),
      holds: oneOf(["state", "configuration"]),
      columns: Type.Optional(Type.Array(Column, { description: "where the function says how entries are shown" })),
    }),
  ),
  dropReasons: Type.Record(Type.String(), Type.String()),
  puntReasons: Type.Record(Type.String(), Type.String()),
});
export type FunctionDescription = Data<typeof FunctionDescription>;

export const Functions = object({
  functions: Type.Array(
    object({ kind: Type.String(), title: Type.String(), description: Type.String(), instances: Type.Integer() }),
  ),
});
export type Functions = Data<typeof Functions>;
