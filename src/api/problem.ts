import { Type } from "typebox";
import { errorCodes } from "../errors.ts";
import { type Data, object, oneOf } from "./schema.ts";

export const problemType = "application/problem+json";

/** One fault of a request; a graph can have many. */
export const Fault = object({
  pointer: Type.String({ description: "JSON pointer (RFC 6901) into the body of the request" }),
  place: Type.String({ description: "the same for people: links[3]" }),
  message: Type.String(),
  remedy: Type.String(),
});

export const Diagnostic = Type.Object({
  file: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
  code: Type.String(),
  message: Type.String(),
});

/** RFC 9457. */
export const Problem = object({
  type: Type.String({ description: "urn:iovisor:error: and the code" }),
  title: Type.String({ description: "what the code means" }),
  status: Type.Integer(),
  detail: Type.String({ description: "what went wrong" }),
  code: oneOf(Object.keys(errorCodes) as (keyof typeof errorCodes)[], "stable; docs/errors.md has a section on each"),
  remedy: Type.String({ description: "what to do" }),
  pointer: Type.Optional(Type.String({ description: "of the first fault" })),
  faults: Type.Optional(Type.Array(Fault)),
  diagnostics: Type.Optional(Type.Array(Diagnostic, { description: "of kernel code that was refused" })),
});
export type Problem = Data<typeof Problem>;
export type Fault = Data<typeof Fault>;
