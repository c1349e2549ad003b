export interface ObserveArguments {
  readonly match?: string;
  readonly count?: number;
  readonly for?: number;
  readonly snap?: number;
  readonly buffer?: number;
}

/** Arguments as the daemon takes them. */
export function observeQuery(args: ObserveArguments, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(more);
  const { match: filter, for: seconds, count, snap, buffer } = args;
  const milliseconds = seconds === undefined ? undefined : Math.ceil(seconds * 1000);
  for (const [name, value] of Object.entries({ filter, milliseconds, count, snap, buffer })) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.toString();
}
