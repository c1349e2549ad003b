export { isImmutable, keepImmutable } from "../../compiler/hir/immutable.ts";
export { memoOf } from "../memo.ts";
