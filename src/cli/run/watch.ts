import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

/** Editors write a file in several steps; a few milliseconds of quiet mean that they are through. */
const quietMilliseconds = 8;

/**
 * Calls back when the contents of one of the files changed, once for a save. Folders are watched, not files: most
 * editors save by putting a new file in the old one's place.
 */
export class SourceWatcher implements Disposable {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #contents = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(files: readonly string[], onChange: () => void) {
    this.#onChange = onChange;
    this.watch(files);
  }

  /** From now on these files. */
  watch(files: readonly string[]): void {
    this.#contents = new Map(files.map((file) => [file, this.#contents.get(file) ?? contentsOf(file)]));
    const folders = new Set(files.map((file) => dirname(file)));
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      const watcher = watch(folder, () => this.#schedule());
      watcher.on("error", () => {}); // the folder is gone; should it come back, so does a save of the entry file
      this.#watchers.set(folder, watcher);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#compare(), quietMilliseconds);
  }

  #compare(): void {
    let changed = false;
    for (const [file, before] of this.#contents) {
      const now = contentsOf(file);
      // Between the two steps of a save there may be no file, or an empty one.
      if (now === before || now === "") continue;
      this.#contents.set(file, now);
      changed = true;
    }
    if (changed) this.#onChange();
  }
}

function contentsOf(file: string): string {
  try {
    const bytes = readFileSync(file);
    return bytes.length === 0 ? "" : createHash("sha256").update(bytes).digest("base64");
  } catch {
    return "";
  }
}
