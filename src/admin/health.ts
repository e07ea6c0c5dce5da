import type { DropReason } from "../core/drop-reason.ts";
import type { NodeStatus } from "../core/io.ts";
import { formatPrefix } from "../core/netip/prefix.ts";
import { troubleText } from "../core/operator/failure-text.ts";
import type { Health } from "../runtime/service.ts";
import { clause } from "./clause.ts";
import type { DaemonFacts } from "./daemon-facts.ts";
import { dropText, expectedDrops } from "./drop-text.ts";
import { duration } from "./duration.ts";

const DAY_S = 86_400;

/** Peers named one by one; the rest is a number. */
const PEERS_NAMED_MAX = 5;

/** What is wrong with a host, worst first. */
export function healthOf(node: NodeStatus, daemon: DaemonFacts, nowMs: number): readonly Health[] {
  const found = [
    ...daemon.services.flatMap(({ health }) => health),
    ...certificateHealth(node, nowMs),
    ...lighthouseHealth(node),
    ...reloadHealth(daemon),
    ...peerHealth(node, nowMs),
    ...gatewayHealth(node),
    ...dropHealth(node),
  ];
  return found.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** The worst of it, in one word. */
export function worst(health: readonly Health[]): "ok" | Health["severity"] {
  return SEVERITIES.find((severity) => health.some((one) => one.severity === severity)) ?? "ok";
}

const SEVERITIES: readonly Health["severity"][] = ["error", "warning", "note"];

function* certificateHealth(node: NodeStatus, nowMs: number): Iterable<Health> {
  const left = node.certificateNotAfter - Math.floor(nowMs / 1000);
  const todo = "renew it with lacis-cert resign, replace pki.cert, then: lacis reload";
  if (left < 0) {
    yield {
      code: "certificate-expired",
      severity: "error",
      text: `the certificate of this host expired ${duration(-left * 1000)} ago`,
      todo,
    };
  } else if (left < 30 * DAY_S) {
    const severity = left < 7 * DAY_S ? "error" : "warning";
    yield {
      code: "certificate-expires",
      severity,
      text: `the certificate of this host expires in ${duration(left * 1000)}`,
      todo,
    };
  }
}

function* lighthouseHealth(node: NodeStatus): Iterable<Health> {
  if (node.amLighthouse) return;
  const down = node.lighthouses.filter(({ up }) => !up);
  const names = down.slice(0, PEERS_NAMED_MAX).map(({ name, address }) => name ?? address);
  if (node.lighthouses.length === 0) {
    yield {
      code: "no-lighthouse",
      severity: "note",
      text: "no lighthouse is configured: only hosts in static_host_map can be found",
      todo: "set lighthouse.hosts",
    };
  } else if (down.length > 0) {
    const all = down.length === node.lighthouses.length;
    yield {
      code: "lighthouse-down",
      severity: all ? "error" : "warning",
      text: `${all ? "no" : "not every"} lighthouse answers (${names.join(", ")})${all ? ": hosts that are not known yet cannot be found" : ""}`,
      todo: `lacis ping ${down[0]?.address}`,
    };
  }
}

function* reloadHealth({ refusedReload, needsRestart }: DaemonFacts): Iterable<Health> {
  if (refusedReload !== undefined) {
    yield {
      code: "reload-refused",
      severity: "warning",
      text: `the last reload was refused and the configuration before it is in force: ${refusedReload}`,
      todo: "correct the file, then: lacis reload",
    };
  }
  if (needsRestart.length > 0) {
    yield {
      code: "restart-needed",
      severity: "warning",
      text: `changed in the file but only applied at a restart: ${needsRestart.join(", ")}`,
      todo: "restart lacis",
    };
  }
}

function* peerHealth(node: NodeStatus, nowMs: number): Iterable<Health> {
  const failed = node.peers.filter(({ state }) => state === "failed");
  for (const peer of failed.slice(0, PEERS_NAMED_MAX)) {
    const who = peer.name ?? peer.addresses[0] ?? "a peer";
    yield {
      code: "peer-failed",
      severity: "warning",
      text: `no tunnel to ${who}: ${peer.trouble ? clause(troubleText(peer.trouble)) : "no answer"}`,
      todo: `lacis ping ${peer.addresses[0] ?? who}`,
    };
  }
  if (failed.length > PEERS_NAMED_MAX) {
    yield {
      code: "peers-failed",
      severity: "warning",
      text: `no tunnel to ${failed.length - PEERS_NAMED_MAX} more peers`,
      todo: "lacis status --json",
    };
  }
  const nowS = Math.floor(nowMs / 1000);
  for (const peer of node.peers) {
    const left = (peer.certificateNotAfter ?? Number.POSITIVE_INFINITY) - nowS;
    if (left >= 0 && left < 7 * DAY_S) {
      yield {
        code: "peer-certificate-expires",
        severity: "warning",
        text: `the certificate of ${peer.name ?? peer.addresses[0]} expires in ${duration(left * 1000)}`,
        todo: "renew it with lacis-cert resign",
      };
    }
  }
}

function* gatewayHealth({ routes }: NodeStatus): Iterable<Health> {
  for (const { prefix, gateways } of routes) {
    const network = formatPrefix(prefix);
    for (const { name, address, state } of gateways) {
      if (state === "not-in-certificate") {
        yield {
          code: "gateway-without-network",
          severity: "error",
          text: `${name ?? address} cannot be the gateway of ${network}: its certificate does not carry the network`,
          todo: `sign it again with lacis-cert sign -unsafe-networks ${network}, and reload it there`,
        };
      } else if (state === "silent") {
        yield {
          code: "gateway-silent",
          severity: "warning",
          text: `the gateway ${name ?? address} of ${network} does not answer: others take its flows`,
          todo: `lacis ping ${address}`,
        };
      }
    }
  }
}

function* dropHealth(node: NodeStatus): Iterable<Health> {
  const drops = [...(node.counters?.drops ?? new Map<DropReason, bigint>())].filter(
    ([reason, count]) => count >= BigInt(dropText[reason].from ?? 1) && !expectedDrops.has(reason),
  );
  for (const [reason, count] of drops.sort((a, b) => Number(b[1] - a[1]))) {
    const { why, todo } = dropText[reason];
    const packets = count === 1n ? "1 packet" : `${count} packets`;
    yield { code: `drop-${reason}`, severity: "note", text: `${packets} dropped (${reason}): ${why}`, todo };
  }
}
