import type { Examined } from "./examined.ts";
import { peerStages } from "./peer.ts";
import { type DoctorReport, type Finding, PEER_STAGES, STAGES, type Stage, type StageReport } from "./report.ts";
import { ownStages } from "./this-host.ts";

/** Goes through the stages up to the first that fails: what comes after it would only tell of the same. */
export function diagnose(examined: Examined): DoctorReport {
  const { peer, node } = examined;
  const looks = { ...ownStages, ...peerStages };
  const report = reportOf((stage) => looks[stage](examined), peer !== undefined);
  const result = peer?.result;
  const address = result?.address;
  const known = node.peers.find(({ addresses }) => address !== undefined && addresses.includes(address));
  return {
    peer: peer ? { asked: peer.asked, name: result?.name ?? known?.name ?? null, address: address ?? null } : null,
    ...report,
  };
}

/** The same for whoever can look at some stages only. */
export function reportOf(look: (stage: Stage) => Finding, withPeer: boolean): Omit<DoctorReport, "peer"> {
  const stages: StageReport[] = [];
  let failed: Stage | null = null;
  for (const stage of STAGES) {
    if (!withPeer && PEER_STAGES.has(stage)) continue;
    if (failed !== null) {
      stages.push({ stage, outcome: "not-tried", text: "", todo: null });
      continue;
    }
    const { outcome, text, todo = null } = look(stage);
    stages.push({ stage, outcome, text, todo });
    if (outcome === "failed") failed = stage;
  }
  return { failed, stages };
}
