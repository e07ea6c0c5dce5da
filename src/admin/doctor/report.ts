/** What is looked at, in this order; those after `others` only where a host is named. Closed list, names are promised stable (docs/CLI.md). */
export const STAGES = [
  "configuration",
  "certificate",
  "daemon",
  "data-plane",
  "overlay",
  "underlay",
  "lighthouse",
  "clock",
  "translator",
  "others",
  "name",
  "place",
  "handshake",
  "trust",
  "path",
  "mtu",
  "policy",
] as const;
export type Stage = (typeof STAGES)[number];

/** Stages of one host. */
export const PEER_STAGES: ReadonlySet<Stage> = new Set(STAGES.slice(STAGES.indexOf("name")));

/** "not-tried": an earlier stage failed, and what comes here would say nothing. */
export type Outcome = "passed" | "doubtful" | "failed" | "not-tried";

/** What was found in one stage. */
export interface Finding {
  readonly outcome: Exclude<Outcome, "not-tried">;
  /** One sentence, without its full stop. */
  readonly text: string;
  /** Undefined where there is nothing to do. */
  readonly todo: string | undefined;
}

/** What `lacis doctor --json` prints. Field names are promised stable (docs/CLI.md). */
export interface DoctorReport {
  /** The host that was asked about; null: none. */
  readonly peer: { readonly asked: string; readonly name: string | null; readonly address: string | null } | null;
  /** The stage that failed; null: none. */
  readonly failed: Stage | null;
  readonly stages: readonly StageReport[];
}

export interface StageReport {
  readonly stage: Stage;
  readonly outcome: Outcome;
  /** Empty where it was not tried. */
  readonly text: string;
  readonly todo: string | null;
}

export function passed(text: string): Finding {
  return { outcome: "passed", text, todo: undefined };
}

export function doubtful(text: string, todo?: string): Finding {
  return { outcome: "doubtful", text, todo };
}

export function failed(text: string, todo?: string): Finding {
  return { outcome: "failed", text, todo };
}
