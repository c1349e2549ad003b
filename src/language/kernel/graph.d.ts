import type { metadataValue, reason } from "./brands.js";
import type { Verdict } from "./packet.js";
import type { BoolScalar, Scalar } from "./scalars.js";

/** The numbers of ports, by their names: each name's place in the list. */
export type PortNumbers<Names extends readonly string[]> = {
  readonly [Place in keyof Names as Place extends `${number}`
    ? Names[Place] & string
    : never]: Place extends `${infer Number extends number}` ? Number : never;
};

/**
 * The ports of every instance of this function. Gives their numbers. At most one declaration of ports per module.
 *
 * @example
 * export const ports = fixedPorts("inside", "outside"); // ports.inside is 0, ports.outside is 1
 */
export declare function fixedPorts<const Names extends readonly string[]>(...names: Names): PortNumbers<Names>;

/** Ports that the graph names: their numbers are 0, 1, 2 ... in its order. */
export declare function dynamicPorts<const Maximum extends number>(options: {
  /** How many ports an instance has at most. */
  readonly maximum: Maximum;
}): { readonly maximum: Maximum };

/** Why a packet is dropped. */
export type DropReason = number & { readonly [reason]: "drop" };
/** Why a packet goes to the function's host side. */
export type PuntReason = number & { readonly [reason]: "punt" };

/**
 * Why this function drops packets: names, each with a description. Gives their numbers, from 1 on: 0 stands for `Drop`.
 *
 * @example
 * const reasons = dropReasons({ tooShort: "the frame ends within a header" });
 * return drop(reasons.tooShort);
 */
export declare function dropReasons<const Names extends string>(
  reasons: Readonly<Record<Names, string>>,
): { readonly [Name in Names]: DropReason };

/** Why this function hands packets to its host side: names, each with a description. Gives their numbers, from 0 on. */
export declare function puntReasons<const Names extends string>(
  reasons: Readonly<Record<Names, string>>,
): { readonly [Name in Names]: PuntReason };

/** A value that travels with the packet. */
export interface Metadata<T> {
  /** What the last function set that the packet met; 0 or false at first. */
  get(): T;
  /** Sets it for this function and those behind it. */
  set(value: T): void;
  readonly [metadataValue]?: T;
}

/**
 * Declares a value that travels with the packet from function to function of a graph. Functions share it by its name:
 * all of them must give it the same type: bool, u8, u16, u32 or u64.
 *
 * @example
 * const zone = metadata("zone", u16);
 */
export declare function metadata<T extends number | bigint>(name: string, type: Scalar<T>): Metadata<T>;
export declare function metadata(name: string, type: BoolScalar): Metadata<boolean>;

/** Sends the packet out of a port of this instance, to what is linked there. It must provably be one of its ports. */
export declare function forward(port: number): Verdict;
/**
 * Sends a copy out of every port of a group (0 to 4095) but the packet's own. Ports that the group marks as
 * tagged get an 802.1Q tag with this tag control information. The function's host side configures the groups.
 */
export declare function flood(group: number, tagControl: number): Verdict;
/** Discards the packet and counts it under a reason of this module. */
export declare function drop(reason: DropReason): Verdict;
/** Hands the packet to the function's host side, with a reason of this module. */
export declare function punt(reason: PuntReason): Verdict;
/** Hands the packet to the kernel's own stack, as received on the device that it came in on: another name of `Pass`. */
export declare const toHost: Verdict;
