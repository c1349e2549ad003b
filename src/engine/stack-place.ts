/** Where in a file an error of host code came about: ":12:5" by its stack, ":12" of a syntax error, or "". */
export function placeInFile(file: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const at = stack.indexOf(file);
  if (at < 0) return "";
  return /^(?:\?[^:\s)]*)?(?<place>(?::\d+){1,2})/.exec(stack.slice(at + file.length))?.groups?.["place"] ?? "";
}
