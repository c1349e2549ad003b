import { existsSync, readdirSync } from "node:fs";
import { DEFAULT_BPFFS, unpin } from "../../kernel/bpffs.ts";

/** Where the objects of one data path are pinned. */
export class Pins {
  readonly folder: string;

  constructor(name: string, root: string = `${DEFAULT_BPFFS}/iovisor`) {
    this.folder = `${root}/${name}`;
  }

  get tablesFolder(): string {
    return `${this.folder}/tables`;
  }

  table(name: string): string {
    return `${this.tablesFolder}/${name}`;
  }

  /** A map of an instance: each one that was ever made has a number of its own, so that two can stand side by side. */
  map(instance: string, map: string, number: number): string {
    // The names of maps of rules have a dot, and bpffs takes none (kernel/bpf/inode.c, bpf_lookup).
    return `${this.folder}/maps/${instance}/${map.replaceAll(".", "-")}_${number}`;
  }

  link(name: string): string {
    return `${this.folder}/links/${name}`;
  }

  get linksFolder(): string {
    return `${this.folder}/links`;
  }

  /** Paths of all pinned maps of instances. */
  mapsInUse(): readonly string[] {
    const folder = `${this.folder}/maps`;
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((instance) =>
      readdirSync(`${folder}/${instance}`).map((map) => `${folder}/${instance}/${map}`),
    );
  }

  /** Folders of instances that have no maps any more. */
  removeEmptyFolders(): void {
    const folder = `${this.folder}/maps`;
    if (!existsSync(folder)) return;
    for (const instance of readdirSync(folder)) {
      const path = `${folder}/${instance}`;
      if (readdirSync(path).length === 0) unpin(path);
    }
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  remove(path: string): void {
    unpin(path);
  }

  removeAll(): void {
    unpin(this.folder);
  }
}
