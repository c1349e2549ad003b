/** Whether an error says that calls nest too deeply: what recurses over a source follows how it is nested. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/i.test(error.message);
}
