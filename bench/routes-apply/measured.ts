/** What is measured of one number of routes. Times are in milliseconds, memory in bytes. */
export interface Measured {
  readonly routes: number;
  readonly seed: number;
  /** Where the router has no routes yet: from the graph as an object to the revision that is recorded. */
  readonly first: number;
  /** The table of all routes by pages, as the daemon's interface reads it. */
  readonly list: number;
  /** An edit of the live graph in which one route is another, until packets meet it, and until it is recorded. */
  readonly edits: readonly Change[];
  /** The same as a whole graph all of whose parts are new. */
  readonly applies: readonly Change[];
  readonly kernelFirst: number;
  /** `ip route replace` of one route. */
  readonly kernelChanges: readonly number[];
  readonly memory: {
    /** Of the process, after the first apply. */
    readonly resident: number;
    readonly mostResident: number;
    /** All maps of the data path. */
    readonly maps: number;
    /** The kernel's own trie of routes. */
    readonly trie: number;
  };
}

export interface Change {
  readonly live: number;
  readonly recorded: number;
}
