import type { NatStatus } from "../core/nat/nat-status.ts";
import type { NatFiltering, NatMapping } from "../core/wire/nat-report.ts";

/** What lighthouses see of the address translator in front of this host. */
export interface TranslatorReport {
  readonly mapping: NatMapping;
  readonly filtering: NatFiltering;
  /** How far the ports of a sequential one are apart; null for others. */
  readonly portStep: number | null;
  readonly keepsPort: boolean | null;
}

export function translatorReport({ mapping, filtering, delta, keepsPort }: NatStatus): TranslatorReport {
  return {
    mapping,
    filtering,
    portStep: mapping === "sequential" ? delta : null,
    keepsPort: keepsPort ?? null,
  };
}
