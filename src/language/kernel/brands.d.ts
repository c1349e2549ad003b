/** Keys that carry what a type stands for. They exist for the checker only; no value has them. */

/** The integer types that a number fits, see `u8`. */
export declare const fits: unique symbol;
/** What a layout describes. */
export declare const described: unique symbol;
/** Where a reference points. */
export declare const region: unique symbol;
/** What a setting reads as. */
export declare const setting: unique symbol;
/** What a map holds. */
export declare const contents: unique symbol;
/** The kind of program a verdict is for. */
export declare const verdict: unique symbol;
/** The kernel structure that a type stands for. */
export declare const kernelStruct: unique symbol;
/** What a rule's field accepts. */
export declare const accepts: unique symbol;
/** What a reason is for. */
export declare const reason: unique symbol;
/** What metadata holds. */
export declare const metadataValue: unique symbol;
/** The kind of a program. */
export declare const programKind: unique symbol;
