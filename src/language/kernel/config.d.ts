import type { accepts, setting } from "./brands.js";
import type { Bytes } from "./layouts.js";
import type { BoolScalar, Scalar, u8, u32, u64 } from "./scalars.js";

/** A setting with its default and description. It reads as `T`. */
export interface Setting<T> {
  readonly [setting]?: T;
}

/** A choice among names. */
export interface Choice<T extends string | number, Name extends string> {
  /** A setting that is one of the names. */
  default(value: Name, description?: string): Setting<T>;
  readonly [setting]?: T;
}

/** A setting that is one of these names; kernel code compares it with them: `settings.mode === "strict"`. */
export declare function oneOf<const N extends readonly string[]>(...names: N): Choice<N[number], N[number]>;
/** A setting that is one of these names and that kernel code sees as their numbers: `oneOf({ tcp: 6, udp: 17 })`. */
export declare function oneOf<const M extends Readonly<Record<string, number>>>(
  members: M,
): Choice<M[keyof M], keyof M & string>;

/** A value that people write as text. */
export interface Formatted<T> {
  /** A setting that is written in this form. */
  default(value: string, description?: string): Setting<T>;
  readonly [setting]?: T;
}

/** An IPv4 address. As a setting it reads as a u32; `ipv4("192.0.2.1")` is that number as a constant. */
export declare const ipv4: Formatted<u32> & ((address: string) => u32);
/** A MAC address. As a setting it reads as a u64; `mac("02:00:00:00:00:01")` is its 6 bytes. */
export declare const mac: Formatted<u64> & ((address: string) => Bytes<6>);
/** An IPv6 address. As a setting it reads as two u64, `high` and `low`; `ipv6("2001:db8::1")` is its 16 bytes. */
export declare const ipv6: Formatted<{ readonly high: u64; readonly low: u64 }> & ((address: string) => Bytes<16>);
/** A block of IPv4 addresses, "192.0.2.0/24". As a setting it reads as `address` and `length`. */
export declare const cidr4: Formatted<{ readonly address: u32; readonly length: u8 }>;
/** A block of IPv6 addresses, "2001:db8::/32". As a setting it reads as `high`, `low` and `length`. */
export declare const cidr6: Formatted<{ readonly high: u64; readonly low: u64; readonly length: u8 }>;

/** What a rule's field accepts. A rule that leaves it out accepts everything. */
export interface Matcher<Subject> {
  readonly [accepts]?: Subject;
}

/** The forms of `exact`, `anyOf` and `between`. */
interface Exact {
  (of: typeof ipv6): Matcher<Bytes<16>>;
  (of: typeof mac): Matcher<u64>;
  (of: typeof ipv4): Matcher<u32>;
  <T>(of: Scalar<T>): Matcher<T>;
}

/** Accepts one value: `exact(u8)`, `exact(ipv4)`. */
export declare const exact: Exact;
/** Accepts the values of a list: `anyOf(u16)`. */
export declare const anyOf: Exact;
/** Accepts the values from `low` to `high`: `between(u16)`, written "80-443", 80 or `{ low, high }`. */
export declare const between: Exact;
/** Accepts the addresses of a block: `prefix(cidr4)`, `prefix(cidr6)`. */
export declare const prefix: {
  (of: typeof cidr4): Matcher<u32>;
  (of: typeof cidr6): Matcher<Bytes<16>>;
};

/** A rule's field that is read, not matched. */
type PlainField = Scalar<any> | BoolScalar | Choice<any, any> | Formatted<any>;
/** The fields of a rule's declaration. */
type RuleFields = Readonly<Record<string, Matcher<any> | PlainField>>;
/** What a plain field of a rule reads as. */
type PlainValue<P> =
  P extends Matcher<any>
    ? never
    : P extends { readonly [setting]?: infer T }
      ? Exclude<T, undefined>
      : P extends Scalar<infer T>
        ? T
        : boolean;

/** The fields of a rule: what it matches, and what it says about what it matched. */
export interface Rule<F> {
  readonly [setting]?: F;
}

/** Fields are matchers (`exact`, `between`, `prefix`, `anyOf`) and plain values (`oneOf("allow", "deny")`, `u32`). */
export declare function rule<const F extends RuleFields>(fields: F): Rule<F>;

/** A list of rules from the configuration. */
export interface Rules<F> {
  readonly [accepts]?: F;
}

/** What the first rule that accepts says. */
export type Matched<F> = { readonly [K in keyof F as F[K] extends Matcher<any> ? never : K]: PlainValue<F[K]> } & {
  /** Its place in the list, from 0. */
  readonly index: u32;
};

/** What `match` wants: a value for every matcher of the rules. */
type Subjects<F> = {
  readonly [K in keyof F as F[K] extends Matcher<any> ? K : never]: F[K] extends { readonly [accepts]?: infer S }
    ? Exclude<S, undefined>
    : never;
};

/** Limits of a list or a set. */
interface ListOptions {
  /** How many items there may be at most. */
  readonly maxItems?: number;
}

/** A list of rules, empty at first, for `match`. */
export declare function list<F>(of: Rule<F>, description?: string, options?: ListOptions): Setting<Rules<F>>;

/** A set of values, empty at first: `settings.blocked.has(ip.source)`. */
export interface ValueSet<S> {
  /** Whether the value is in the set; for `prefix` sets: in one of the blocks. */
  has(value: S): boolean;
}

/** A set of what a matcher accepts: `set(exact(u16))`, `set(prefix(cidr4))`. */
export declare function set<S>(
  of: Matcher<S>,
  description?: string,
  options?: ListOptions,
): Setting<ValueSet<Exclude<S, undefined>>>;

/** Settings and groups of settings. */
interface SettingsTree {
  readonly [name: string]: Setting<any> | SettingsTree;
}
/** What declared settings read as. */
type SettingsOf<C> = {
  readonly [K in keyof C]: C[K] extends Setting<any>
    ? C[K] extends { readonly [setting]?: infer T }
      ? Exclude<T, undefined>
      : never
    : SettingsOf<C[K]>;
};

/**
 * The settings of a function. They are constants of the program that runs: a change makes a new one. Nested objects
 * group settings.
 *
 * @example
 * export const settings = config({
 *   port: u16.default(80, "TCP port to serve"),
 *   limits: { burst: u32.default(10, "packets at once") },
 * });
 */
export declare function config<const C extends SettingsTree>(settings: C): SettingsOf<C>;

/** The first rule of the list that accepts all of the values, or undefined. A value for every matcher is needed. */
export declare function match<F>(rules: Rules<F>, subjects: Subjects<F>): Matched<F> | undefined;
