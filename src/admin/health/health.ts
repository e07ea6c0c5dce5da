import type { NodeStatus } from "../../core/io.ts";
import type { Health } from "../../runtime/service.ts";
import type { DaemonFacts } from "../daemon-facts.ts";
import { bulletinHealth } from "./bulletins.ts";
import { authorityHealth, certificateHealth } from "./certificate.ts";
import { dropHealth } from "./drops.ts";
import { gatewayHealth } from "./gateways.ts";
import { lighthouseHealth } from "./lighthouses.ts";
import { notShownHealth } from "./not-shown.ts";
import { overTcpHealth } from "./over-tcp.ts";
import { peerHealth } from "./peers.ts";
import { refusalHealth } from "./refusals.ts";
import { reloadHealth } from "./reload.ts";
import { sendHealth } from "./sending.ts";
import type { HealthSource } from "./sight.ts";
import { strangerHealth } from "./strangers.ts";
import { translatorHealth } from "./translator.ts";
import { twinHealth } from "./twins.ts";

/** In the order in which troubles of one severity are told. */
const sources: readonly HealthSource[] = [
  ({ daemon }) => daemon.services.flatMap(({ health }) => health),
  certificateHealth,
  authorityHealth,
  bulletinHealth,
  sendHealth,
  lighthouseHealth,
  overTcpHealth,
  reloadHealth,
  peerHealth,
  notShownHealth,
  strangerHealth,
  twinHealth,
  translatorHealth,
  gatewayHealth,
  refusalHealth,
  dropHealth,
];

/** What is wrong with a host, worst first. */
export function healthOf(node: NodeStatus, daemon: DaemonFacts, nowMs: number): readonly Health[] {
  const found = sources.flatMap((source) => [...source({ node, daemon, nowMs })]);
  return found.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** The worst of it, in one word. */
export function worst(health: readonly Health[]): "ok" | Health["severity"] {
  return SEVERITIES.find((severity) => health.some((one) => one.severity === severity)) ?? "ok";
}

const SEVERITIES: readonly Health["severity"][] = ["error", "warning", "note"];
