import { existsSync, readdirSync } from "node:fs";
import { DEFAULT_BPFFS, unpin } from "../../kernel/bpffs.ts";

/** Where the objects of one data path are pinned. */
export class Pins {
  readonly folder: string;

  constructor(name: string, root: string = `${DEFAULT_BPFFS}/iovisor`) {
    this.folder = `${root}/${name}`;
  }

  table(name: string): string {
    return `${this.folder}/tables/${name}`;
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
