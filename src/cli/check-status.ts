import type { StatusReport } from "../admin/status-report.ts";

/** What a probe asks: whether the daemon is there, or whether packets can move. */
export const CHECKS = ["live", "ready"] as const;
export type Check = (typeof CHECKS)[number];

/** Why this host is not ready to carry packets; nothing when it is. A daemon that answered is live. */
export function notReady({ dataPlane, host, lighthouses }: StatusReport): readonly string[] {
  return [
    ...(dataPlane.state === "up" ? [] : [`the data plane is ${dataPlane.state}`]),
    ...(host.certificate.secondsLeft < 0 ? ["the certificate of this host has expired"] : []),
    ...(host.amLighthouse || lighthouses.length === 0 || lighthouses.some(({ up }) => up)
      ? []
      : ["no lighthouse answers"]),
  ];
}
