export {
  type CompiledFunction,
  type CompiledFunctionSet,
  generate,
  type LineEntry,
  type MapReference,
} from "./generate.ts";
export { type CodegenOptions, maxStack, StackTooLarge, type Target } from "./target.ts";
