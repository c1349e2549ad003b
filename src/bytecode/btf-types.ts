/**
 * BTF types as plain data, one shape per kind of Documentation/bpf/btf.rst. A type is referred to by its number in the
 * blob, from 1; 0 is `void`.
 */
export type BtfId = number;

export interface BtfInt {
  readonly kind: "int";
  readonly name: string;
  /** Bytes: 1, 2, 4, 8 or 16. */
  readonly size: number;
  readonly encoding: "unsigned" | "signed" | "char" | "bool";
  /** Value bits, at most `size * 8`; fewer only in bit fields of old compilers. */
  readonly bits: number;
  readonly bitOffset: number;
}

/** The kinds that only refer to another type. */
export interface BtfReference {
  readonly kind: "ptr" | "volatile" | "const" | "restrict";
  readonly type: BtfId;
}

export interface BtfTypedef {
  readonly kind: "typedef";
  readonly name: string;
  readonly type: BtfId;
}

export interface BtfArray {
  readonly kind: "array";
  readonly element: BtfId;
  readonly index: BtfId;
  readonly count: number;
}

export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: BtfId;
  readonly bitOffset: number;
  /** Bits of a bit field; 0 for an ordinary member. */
  readonly bitfieldSize: number;
}

export interface BtfComposite {
  readonly kind: "struct" | "union";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly members: readonly BtfMember[];
}

export interface BtfEnumerator {
  readonly name: string;
  readonly value: bigint;
}

/** `enum` holds 32-bit values, `enum64` (kernel 6.0) 64-bit ones. */
export interface BtfEnum {
  readonly kind: "enum" | "enum64";
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly BtfEnumerator[];
}

export interface BtfForward {
  readonly kind: "fwd";
  readonly name: string;
  readonly union: boolean;
}

export type BtfLinkage = "static" | "global" | "extern";

export interface BtfFunction {
  readonly kind: "func";
  readonly name: string;
  /** A `func_proto`. */
  readonly type: BtfId;
  readonly linkage: BtfLinkage;
}

export interface BtfParameter {
  readonly name: string;
  readonly type: BtfId;
}

export interface BtfFunctionPrototype {
  readonly kind: "func_proto";
  readonly result: BtfId;
  /** A last parameter without name and of type 0 stands for `...`. */
  readonly parameters: readonly BtfParameter[];
}

export interface BtfVariable {
  readonly kind: "var";
  readonly name: string;
  readonly type: BtfId;
  readonly linkage: BtfLinkage;
}

export interface BtfSectionVariable {
  /** A `var` (or, for extern functions, a `func`). */
  readonly type: BtfId;
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly size: number;
}

export interface BtfDataSection {
  readonly kind: "datasec";
  readonly name: string;
  readonly size: number;
  readonly variables: readonly BtfSectionVariable[];
}

export interface BtfFloat {
  readonly kind: "float";
  readonly name: string;
  readonly size: number;
}

export interface BtfDeclTag {
  readonly kind: "decl_tag";
  readonly name: string;
  readonly type: BtfId;
  /** Index of the member or parameter that is tagged; -1 tags the type itself. */
  readonly component: number;
}

export interface BtfTypeTag {
  readonly kind: "type_tag";
  readonly name: string;
  readonly type: BtfId;
}

export type BtfType =
  | BtfInt
  | BtfReference
  | BtfTypedef
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfForward
  | BtfFunction
  | BtfFunctionPrototype
  | BtfVariable
  | BtfDataSection
  | BtfFloat
  | BtfDeclTag
  | BtfTypeTag;

export type BtfKind = BtfType["kind"];

/** BTF_KIND_* of include/uapi/linux/btf.h. */
export const kindNumbers: { readonly [K in BtfKind]: number } = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
};

/** The kind of each number, for the way back. */
export const kindsByNumber: readonly (BtfKind | undefined)[] = Array.from({ length: 20 }, (_, number) =>
  (Object.keys(kindNumbers) as BtfKind[]).find((kind) => kindNumbers[kind] === number),
);

export const linkages: readonly BtfLinkage[] = ["static", "global", "extern"];

export const btfMagic = 0xeb9f;
export const btfHeaderSize = 24;
