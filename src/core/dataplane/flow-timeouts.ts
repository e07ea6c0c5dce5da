import type { FlowTimeouts } from "./contract.ts";

/** Nebula's defaults (`firewall.conntrack.*_timeout`). */
export const FLOW_TIMEOUTS: FlowTimeouts = { tcpMs: 720_000, udpMs: 180_000, otherMs: 600_000 };
