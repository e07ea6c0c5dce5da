import { CONTRACT_VERSIONS } from "../core/dataplane/contract.ts";
import type { Notice } from "../core/notice.ts";
import type { Confinement } from "../runtime/confinement.ts";
import type { Daemon } from "../runtime/daemon.ts";
import { harmlessNotice } from "../runtime/log/log-text.ts";
import { packageVersion } from "../runtime/package-root.ts";
import type { Health } from "../runtime/service.ts";
import { bulletinVerbs } from "./bulletins/bulletin-verbs.ts";
import { policyVerb } from "./bulletins/policy-verb.ts";
import { hostsByName } from "./capture/capture-filter.ts";
import { captureVerb } from "./capture/capture-verb.ts";
import { dnsReport } from "./dns/report.ts";
import { diagnose } from "./doctor/diagnose.ts";
import { examine } from "./doctor/examine.ts";
import { patientOf } from "./doctor/patient.ts";
import { factsOf } from "./facts-of.ts";
import { flowVerbs } from "./flows-verbs.ts";
import { healthOf } from "./health/health.ts";
import type { HealthWatch } from "./health/watch.ts";
import { netcheck } from "./netcheck/measure.ts";
import { whyOut } from "./out-of-network.ts";
import { isOverlay, overlayNetworks } from "./overlay.ts";
import { type PeerQuery, parsePeerQuery, refuseUnknown } from "./peer-query.ts";
import { pingReport } from "./ping-report.ts";
import { pingTarget } from "./ping-target.ts";
import type { AdminRequest, AdminVerb, EventReport } from "./protocol.ts";
import { thoroughPing } from "./reach/thorough-ping.ts";
import { reloadReport } from "./reload-report.ts";
import { rulesReport } from "./rules-report.ts";
import { StatusFeed } from "./status-feed.ts";
import { type StatusReport, statusReport } from "./status-report.ts";
import { answers, type Members, nothing, type Sink, streams, type Verb } from "./verb.ts";
import { whois } from "./whois.ts";
import { askWhy } from "./why/ask.ts";

export interface MetricsPage {
  readonly text: string;
}

/** A log that was left talkative fills the disk. */
export const DEBUG_MS_MAX = 86_400_000;

/** Everything that a daemon can be asked on its admin sockets. */
export function adminVerbs(
  daemon: Daemon,
  health: HealthWatch,
  confinement?: Confinement,
): Readonly<Record<AdminVerb, Verb>> {
  const status = (peers: PeerQuery): StatusReport => {
    const [node, facts, now] = [daemon.status(), factsOf(daemon, confinement), Date.now()];
    return statusReport(node, facts, now, { peers, health: health.look({ node, daemon: facts, nowMs: now }) });
  };
  const troubles = (): readonly Health[] => healthOf(daemon.status(), factsOf(daemon, confinement), Date.now());
  const pictures = new StatusFeed(status);
  return {
    status: answers("reader", parsePeers, ({ peers }) => {
      const report = status(peers);
      if (report.peers.length + report.peersOmitted === 0) refuseUnknown(peers, daemon.status().peers);
      return report;
    }),
    version: answers("reader", nothing, () => ({
      version: packageVersion(),
      contract: CONTRACT_VERSIONS.newest,
      node: process.versions.node,
    })),
    ping: answers("reader", parsePing, async ({ target, timeoutMs }) =>
      pingReport(
        await thoroughPing(
          (...asked) => daemon.ping(...asked),
          pingTarget(target, daemon.names(), daemon.status()),
          timeoutMs,
        ),
        whyOut(troubles()),
      ),
    ),
    whois: answers("reader", parseWhois, ({ target }) =>
      whois(target, {
        directory: daemon.directory(),
        networks: overlayNetworks(daemon.settings.live),
        isOverlay: (address) => isOverlay(daemon.settings.live, address),
      }),
    ),
    rules: answers("reader", nothing, () => rulesReport(daemon.rules())),
    why: answers("reader", parseWhy, async (question) => askWhy(daemon, question, whyOut(troubles()))),
    ...flowVerbs({
      log: daemon.flowLog,
      names: () => daemon.directory().map(({ name }) => name),
      networks: () => overlayNetworks(daemon.settings.live),
      isOverlay: (address) => isOverlay(daemon.settings.live, address),
    }),
    capture: captureVerb({ captures: daemon.captures, hosts: () => hostsByName(daemon.status()) }),
    dns: answers("reader", nothing, async () => {
      const { name, addresses } = daemon.settings.live.identity.credential;
      return dnsReport(await daemon.hostNames(), { name, addresses });
    }),
    netcheck: answers("reader", nothing, async () => netcheck(daemon)),
    doctor: answers("reader", parseDoctor, async ({ target }) =>
      diagnose(await examine(patientOf(daemon, troubles), target)),
    ),
    reload: answers("owner", nothing, async () => reloadReport(daemon.reload(), () => daemon.status())),
    diff: answers("owner", nothing, () => daemon.diff()),
    metrics: answers("reader", nothing, async (): Promise<MetricsPage> => ({ text: await daemon.metrics.page() })),
    debug: answers("owner", parseDebug, ({ forMs }) => {
      daemon.log.raise("debug", forMs);
      return {};
    }),
    ...bulletinVerbs(daemon),
    policy: policyVerb(daemon),
    events: streams("reader", parseEvents, ({ level }, sink) => followEvents(daemon, level, sink)),
    watch: streams("reader", parsePeers, ({ peers }, sink) => pictures.follow(sink, peers)),
  };
}

/** Nobody waits longer for one answer, and each waiting ping holds a place. */
const PING_TIMEOUT_MS_MAX = 60_000;

type Arguments<Name extends AdminVerb> = Omit<Extract<AdminRequest, { verb: Name }>, "verb">;

function isTarget(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 253;
}

function parseDoctor({ target }: Members): Arguments<"doctor"> | string {
  if (target === undefined) return {};
  return isTarget(target) ? { target } : "doctor takes a host";
}

function parseWhois({ target }: Members): Arguments<"whois"> | string {
  return isTarget(target) ? { target } : "whois needs an address or a name";
}

function parsePing({ target, timeoutMs }: Members): Arguments<"ping"> | string {
  if (!isTarget(target)) return "ping needs a target";
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= PING_TIMEOUT_MS_MAX)) {
    return `ping needs a timeoutMs of 1 to ${PING_TIMEOUT_MS_MAX}`;
  }
  return { target, timeoutMs };
}

function parseWhy({ from, to, service, timeoutMs }: Members): Arguments<"why"> | string {
  if (from !== undefined && !isHost(from)) return "why needs a from that is an address or a name, or none";
  if (!isHost(to)) return "why needs a to";
  if (typeof service !== "string" || service.length > SERVICE_TEXT_MAX) return "why needs a service, such as tcp/22";
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= PING_TIMEOUT_MS_MAX))
    return `why needs a timeoutMs of 1 to ${PING_TIMEOUT_MS_MAX}`;
  return { from, to, service, timeoutMs };
}

/** Longer than any that makes sense. */
const SERVICE_TEXT_MAX = 64;

function isHost(text: unknown): text is string {
  return typeof text === "string" && text !== "" && text.length <= 253;
}

function parsePeers(members: Members): { readonly peers: PeerQuery } | string {
  const peers = parsePeerQuery(members);
  return typeof peers === "string" ? peers : { peers };
}

/** From the quietest to the loudest. */
const levels: readonly Notice["level"][] = ["trace", "debug", "info", "warn", "error"];

function parseEvents({ level = "info" }: Members): Arguments<"events"> | string {
  const known = levels.find((name) => name === level);
  return known === undefined ? `events needs a level: ${levels.join(", ")}` : { level: known };
}

function followEvents(daemon: Daemon, from: Notice["level"], sink: Sink): () => void {
  const lowest = levels.indexOf(from);
  return daemon.events.listen((notice) => {
    if (levels.indexOf(notice.level) < lowest) return;
    const report: EventReport = { time: new Date().toISOString(), ...harmlessNotice(notice) };
    sink.push(report);
  });
}

function parseDebug({ forMs }: Members): { readonly forMs: number } | string {
  const isTime = typeof forMs === "number" && Number.isInteger(forMs) && forMs >= 1_000 && forMs <= DEBUG_MS_MAX;
  return isTime ? { forMs } : `forMs is 1000 to ${DEBUG_MS_MAX}`;
}
