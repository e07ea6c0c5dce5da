/**
 * What a process has given up, by the names of SEMANTICS 14 and, for this one, `no-debugger`. A name that is not known here is one of a later
 * version.
 */
export interface Confinement {
  readonly holds: readonly string[];
  readonly lacking: readonly { readonly measure: string; readonly why: string }[];
  /** How many system calls are left; undefined: all. */
  readonly systemCalls: number | undefined;
}
