export { isImmutable, keepImmutable } from "../../compiler/hir/immutable.ts";
