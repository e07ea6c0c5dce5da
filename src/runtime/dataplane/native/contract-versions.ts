import { CONTRACT_VERSIONS } from "../../../core/dataplane/contract.ts";
import type { ReadyReport } from "../contract/codec.ts";

type Range = Pick<ReadyReport, "contractVersion" | "oldestVersion">;

/** Whether the version that a data plane wants to use is one that this control plane speaks. */
export function isSpoken({ contractVersion }: Range): boolean {
  return CONTRACT_VERSIONS.oldest <= contractVersion && contractVersion <= CONTRACT_VERSIONS.newest;
}

/** "contract 2", "contracts 2 to 3": what a data plane without a common version with us speaks. */
export function spokenByIt({ oldestVersion, contractVersion }: Range): string {
  return rangeText({ oldest: oldestVersion, newest: contractVersion });
}

/** The same of this control plane. */
export function spokenHere(): string {
  return rangeText(CONTRACT_VERSIONS);
}

function rangeText({ oldest, newest }: { readonly oldest: number; readonly newest: number }): string {
  return oldest === newest ? `contract ${newest}` : `contracts ${oldest} to ${newest}`;
}
