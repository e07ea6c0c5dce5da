/** What becomes here of hosts that were let in to debug something. */
export type GuestNews =
  /** `until`: Unix seconds; `services`: "tcp/5432". */
  | {
      readonly code: "debug-access-begun";
      readonly name: string;
      readonly until: number;
      readonly services: readonly string[];
    }
  | { readonly code: "debug-access-ended"; readonly name: string; readonly until: number }
  | { readonly code: "debug-access-refused"; readonly number: number; readonly why: string };
