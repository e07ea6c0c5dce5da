import { must } from "../test/netns/lab/command.ts";
import { LAB_TOOL } from "../test/netns/lab/implementation.ts";
import { median } from "./pairing.ts";
import { OURS } from "./report.ts";
import type { ScenarioResult } from "./results.ts";

/** What a packet of the size of the overlay's MTU carries of a TCP stream. */
const PACKET_BYTES = 1300;
const CARRIED_BYTES = 1248;
/** Of the bound. */
const WANTED = 0.85;

/** Nanoseconds to seal and to open one packet on one core. */
export interface CipherCost {
  readonly library: string;
  readonly sealNs: number;
  readonly openNs: number;
}

/** Of what is possible when moving packets (the same without a cipher) and sealing them (on all cores) each take their own time, so much is reached. */
export function closeness(result: ScenarioResult, cost: CipherCost): number {
  const cipherBound = (result.machine.cores * CARRIED_BYTES * 8) / (cost.sealNs + cost.openNs);
  const shares = result.rounds.flatMap((round) => {
    const [rate, unsealed] = [round[OURS]?.["rate"], round[`${OURS}-null`]?.["rate"]];
    return rate === undefined || unsealed === undefined ? [] : [rate * (1 / unsealed + 1 / cipherBound)];
  });
  return median(shares);
}

/** What the cipher that is chosen on this processor costs, measured now. */
export async function measureCipher(): Promise<CipherCost> {
  return parseCipherCost(await must(LAB_TOOL, ["aead"], { timeoutMs: 60_000 }));
}

/** The first table is that of this processor as it is; `*` marks what is chosen, each size has a column "seal / open". */
export function parseCipherCost(table: string): CipherCost {
  const sizes = /^ {10,}(?:\s*\d+)+$/m.exec(table)?.[0].trim().split(/\s+/).map(Number) ?? [];
  const row = /^\* (\S+)\s+aes\s+(.*)$/m.exec(table);
  const costs = row?.[2]?.trim().split(/(?<=\/\s*\d+)\s+/) ?? [];
  const [sealNs, openNs] = costs[sizes.indexOf(PACKET_BYTES)]?.split("/").map(Number) ?? [];
  if (row === null || sealNs === undefined || openNs === undefined) throw new Error(`no cost of AES in: ${table}`);
  return { library: row[1]!, sealNs, openNs };
}

export function describeCloseness(result: ScenarioResult, cost: CipherCost): string {
  const reached = closeness(result, cost);
  const how = `AES by ${cost.library}: ${cost.sealNs} ns to seal ${PACKET_BYTES} bytes, ${cost.openNs} to open`;
  const judged = reached >= WANTED ? "ok" : "SHORT";
  return `  ${judged}: ${reached.toFixed(2)} of the bound composed of moving (without a cipher) and sealing, wanted ${WANTED} (${how})`;
}
