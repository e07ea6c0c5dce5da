import type { DropSample } from "../dataplane/contract.ts";
import { DropReason } from "../drop-reason.ts";
import type { Outbox } from "./outbox.ts";

/** Tells of a dropped packet that the data plane picked as a sample. What the rules forbid is what operators look for. */
export function tellDrop(out: Outbox, sample: DropSample): void {
  const denied = sample.reason === DropReason.noMatchingRule;
  const direction = sample.inbound ? "inbound" : "outbound";
  const text = denied
    ? `No ${direction} rule allows this packet.`
    : `An ${direction} packet was dropped: ${sample.reason}.`;
  const { localAddress, remoteAddress, source } = sample;
  out.notice(denied ? "info" : "debug", denied ? "packet-denied" : "packet-dropped", text, {
    reason: sample.reason,
    direction,
    ...(localAddress === undefined ? {} : { local: localAddress }),
    ...(remoteAddress === undefined ? {} : { remote: remoteAddress }),
    ...(localAddress === undefined
      ? {}
      : { protocol: sample.protocol, localPort: sample.localPort, remotePort: sample.remotePort }),
    ...(source === undefined ? {} : { source }),
  });
}
