import { expectedDrops } from "../admin/drop-text.ts";
import { duration } from "../admin/duration.ts";
import type { CertificateReport, PeerReport, StatusReport } from "../admin/status-report.ts";
import type { DropReason } from "../core/drop-reason.ts";
import { WHY_RELAYED_TEXT } from "../core/operator/failure-text.ts";
import { harmless, SENTENCE_BYTES_MAX } from "../runtime/log/log-text.ts";
import { folded } from "./fold-health.ts";
import { powerLines } from "./render-powers.ts";
import type { Style } from "./style.ts";
import { table } from "./table.ts";

/** What of a report does not fit a screen, by part. */
export interface Omitted {
  readonly relayed: number;
  readonly routes: number;
  readonly health: number;
}

/** `lacis status` for people: peers, this host, what its processes may do, health. */
export function statusText(report: StatusReport & { readonly omitted?: Omitted }, style: Style): string {
  const powers = report.processes.length > 0 ? [...powerLines(report.processes, style), ""] : [];
  const parts = [
    ...peerLines(report, style),
    ...relayedLines(report, style),
    "",
    ...routeLines(report, style),
    ...hostLines(report, style),
    "",
    ...powers,
  ];
  return [...parts, ...healthLines(report, style)].join("\n");
}

/** What powers its processes have is for those who ask; a daemon of an older version does not tell. */
export function asFull(report: StatusReport, verbose: boolean): StatusReport {
  const { processes = [] }: Partial<StatusReport> = report;
  return { ...report, processes: verbose ? processes : [] };
}

function peerLines(report: StatusReport, style: Style): readonly string[] {
  const { peers, peersOmitted } = report;
  // A daemon of an older version does not say.
  const { mtu = Number.POSITIVE_INFINITY }: Partial<StatusReport["host"]> = report.host;
  if (peers.length === 0 && peersOmitted === 0) return [style.faint(nobodyText(report))];
  const head = ["NAME", "ADDRESS", "STATE", "PATH", "RTT", "LOSS", "LAST RX", "CERT"].map((text) => style.bold(text));
  const rows = peers.map((peer) => [
    harmless(peer.name ?? "?"),
    peer.addresses.join(" "),
    stateText(peer, style),
    pathText(peer, mtu),
    peer.roundTripMs === null ? "-" : duration(peer.roundTripMs),
    lossText(peer, style),
    peer.lastReceivedMs === null ? "never" : `${duration(Math.max(peer.lastReceivedMs, 1000))} ago`,
    peer.certificate === null ? "-" : validity(peer.certificate, style),
  ]);
  const omitted = peersOmitted > 0 ? [style.faint(`and ${peersOmitted} more${countsText(report)}`)] : [];
  return [...table([head, ...rows]), ...omitted];
}

/** A daemon of an older version counts no states. */
function nobodyText({ peersByState }: Partial<StatusReport>): string {
  const others = Object.values(peersByState ?? {}).reduce((sum, count) => sum + count, 0);
  return others === 0
    ? "No tunnels. One is built when a packet wants to go somewhere: lacis ping HOST"
    : `None of ${others} peers is like that: lacis status shows them`;
}

function countsText({ peersByState }: Partial<StatusReport>): string {
  const counts = Object.entries(peersByState ?? {}).filter(([, count]) => count > 0);
  if (counts.length === 0) return "";
  return `; in all ${counts.map(([state, count]) => `${count} ${state}`).join(", ")}: lacis status --all, or --peer, --group, --state, --relayed`;
}

/** Hosts that find each other through this one. Nothing from a daemon of an older version. */
function relayedLines(
  { relayed = [], omitted }: Partial<StatusReport & { readonly omitted: Omitted }>,
  style: Style,
): readonly string[] {
  if (relayed.length === 0) return [];
  const rows = relayed.map(({ hosts, isUp, bytes }) => [
    `  ${hosts.map(({ name }) => harmless(name)).join(" and ")}`,
    isUp ? style.good("up") : style.warn("one side is missing"),
    `${Math.round(bytes / 1000)} kB`,
  ]);
  return ["", style.bold("Relayed by this host"), ...table(rows), ...moreLine(omitted?.relayed, style)];
}

/** Nothing on a host that knows no network behind another one, and from a daemon that does not tell. */
function routeLines(
  { routes = [], omitted }: Partial<StatusReport & { readonly omitted: Omitted }>,
  style: Style,
): readonly string[] {
  if (routes.length === 0) return [];
  const head = ["NETWORK", "GATEWAY", "WEIGHT", "STATE"].map((text) => style.bold(text));
  const rows = routes.flatMap(({ prefix, gateways }) =>
    gateways.map(({ name, address, weight, state }, at) => [
      at === 0 ? prefix : "",
      name === null ? address : `${harmless(name)} ${address}`,
      weight === 0 ? "stands by" : `${weight}`,
      state === "up" ? style.good(state) : state === "no-tunnel" ? "no tunnel yet" : style.bad(GATEWAY_TEXT[state]),
    ]),
  );
  return [...table([head, ...rows]), ...moreLine(omitted?.routes, style), ""];
}

function moreLine(count: number | undefined, style: Style): readonly string[] {
  return count ? [style.faint(`  and ${count} more: lacis status --all`)] : [];
}

const GATEWAY_TEXT = { silent: "does not answer", "not-in-certificate": "its certificate lacks the network" } as const;

function stateText({ state }: PeerReport, style: Style): string {
  switch (state) {
    case "up":
      return style.good(state);
    case "failed":
      return style.bad(state);
    default:
      return style.warn(state);
  }
}

function pathText(peer: PeerReport, deviceMtu: number): string {
  const { state, path } = peer;
  // A daemon of an older version knows none of them.
  const { relay = null, carrier = null, mtu = null }: Partial<PeerReport> = peer;
  if (state === "failed" || (relay === null && carrier === null && path === null)) return "-";
  const straight = carrier === null ? `direct ${path}` : `tcp via ${harmless(carrier.name)}`;
  const way = relay === null || carrier !== null ? straight : `via ${harmless(relay.name)}${whyText(peer)}`;
  // One that is as wide as the device is what anybody expects.
  return mtu === null || mtu >= deviceMtu ? way : `${way}, mtu ${mtu}`;
}

/** Nothing from a daemon of an older version, or of a newer one that knows more reasons. */
function whyText({ whyRelayed = null }: Partial<PeerReport>): string {
  const text = whyRelayed === null ? undefined : WHY_RELAYED_TEXT[whyRelayed];
  return text === undefined ? "" : `: ${text}`;
}

function lossText({ loss = null }: Partial<PeerReport>, style: Style): string {
  if (loss === null) return "-";
  const percent = `${Math.round(loss * 100)} %`;
  return loss >= 0.05 ? style.warn(percent) : percent;
}

function validity({ secondsLeft }: CertificateReport, style: Style): string {
  if (secondsLeft < 0) return style.bad("expired");
  const left = duration(secondsLeft * 1000);
  return secondsLeft < 7 * 86_400 ? style.warn(left) : left;
}

function hostLines(report: StatusReport, style: Style): readonly string[] {
  const { host, lighthouses, dataPlane, guard, daemon } = report;
  const { certificate } = host;
  const versions = certificate.versions.map((version) => `v${version}`).join(" and ");
  const up = lighthouses.filter((lighthouse) => lighthouse.up).length;
  const reachable = lighthouses.length === 0 ? "none configured" : `${up}/${lighthouses.length} up`;
  const device = dataPlane.device === null ? "no device" : `device ${dataPlane.device}`;
  return table([
    [style.bold("This host"), `${harmless(host.name)} ${host.addresses.join(" ")}`],
    ["  groups", harmless(host.groups.join(", ") || "none")],
    ["  certificate", `${versions}, ${certificate.secondsLeft < 0 ? "" : "valid for "}${validity(certificate, style)}`],
    ["  lighthouses", host.amLighthouse ? "is one" : reachable],
    ...bulletinRows(report),
    ...translatorRow(host),
    [
      "  data plane",
      `${harmless(dataPlane.build ?? dataPlane.kind)}${programText(dataPlane, daemon)}, ${dataPlane.state}, ${device}, UDP port ${dataPlane.port}${cipherText(host.cipher, dataPlane)}`,
    ],
    ...guardRow(guard),
    ...dropsRow(report),
    [
      "  daemon",
      `lacis ${daemon.version}, pid ${daemon.pid}, up ${duration(Math.max(daemon.uptimeMs, 1000))}${handshakeText(daemon)}, ${harmless(daemon.config, SENTENCE_BYTES_MAX)}`,
    ],
  ]);
}

/** Nothing where no authority has told anything, and from a daemon of an older version. */
function bulletinRows({ bulletins = [] }: Partial<StatusReport>): readonly (readonly string[])[] {
  return bulletins.map(({ kind, number, hosts, applied }) => [
    `  ${harmless(kind)}`,
    `number ${number}, applied on ${applied} of ${hosts}`,
  ]);
}

/** Which build of its version it is, and since when; nothing of one that does not tell. */
function programText(
  { program, startedAt }: Partial<StatusReport["dataPlane"]>,
  daemon: StatusReport["daemon"],
): string {
  if (!program || !startedAt) return "";
  const now = Date.parse(daemon.startedAt) + daemon.uptimeMs;
  return ` (${program.slice(0, 12)}, up ${duration(Math.max(now - Date.parse(startedAt), 1000))})`;
}

/** Nothing from a daemon or a data plane of an older version. */
function cipherText(inUse: string, { ciphers = [] }: Partial<StatusReport["dataPlane"]>): string {
  const library = ciphers.find(({ cipher }) => cipher === inUse)?.library;
  return library === undefined ? "" : `, ${inUse} by ${harmless(library)}`;
}

/** Nothing from a daemon of an older version. */
function handshakeText({ handshakeLibrary }: Partial<StatusReport["daemon"]>): string {
  return handshakeLibrary === undefined ? "" : `, handshakes by ${harmless(handshakeLibrary)}`;
}

/** Nothing on a host without a device, and from a daemon that knows no guard. */
function guardRow(guard: StatusReport["guard"] | undefined): readonly (readonly string[])[] {
  if (!guard) return [];
  const { routes, underlay, droppedPackets } = guard;
  return [["  guard", `routes ${routes}, underlay ${underlay}, ${droppedPackets} packets refused`]];
}

/** Drops named one by one. */
const DROPS_NAMED_MAX = 3;

/** Packets that were dropped before the last minutes, which are no trouble any more. Nothing from a daemon of an older version. */
function dropsRow({ drops = [] }: Partial<StatusReport>): readonly (readonly string[])[] {
  const old = drops
    .filter(({ reason }) => !expectedDrops.has(reason as DropReason))
    .map(({ reason, packets, recentPackets }) => ({ reason, packets: packets - recentPackets }))
    .filter(({ packets }) => packets > 0);
  if (old.length === 0) return [];
  const named = old.slice(0, DROPS_NAMED_MAX).map(({ reason, packets }) => `${packets} ${reason}`);
  const rest = old.length > DROPS_NAMED_MAX ? ` and ${old.length - DROPS_NAMED_MAX} more kinds` : "";
  return [["  old drops", `${named.join(", ")}${rest}`]];
}

function healthLines(
  { health, omitted }: StatusReport & { readonly omitted?: Omitted },
  style: Style,
): readonly string[] {
  if (health.length === 0) return [`${style.bold("Health:")} ${style.good("all well")}`];
  const mark = { error: style.bad("×"), warning: style.warn("!"), note: "·" };
  const lines = folded(health).map(({ trouble: { severity, text, todo }, followers }) => {
    const advice =
      todo === "nothing" || todo.startsWith("nothing,") ? "" : style.faint(` - ${harmless(todo, SENTENCE_BYTES_MAX)}`);
    const more = followers === 0 ? "" : style.faint(` (${followers} more follow from it: lacis status --json)`);
    return `  ${mark[severity]} ${harmless(text, SENTENCE_BYTES_MAX)}${advice}${more}`;
  });
  return [style.bold("Health:"), ...lines, ...moreLine(omitted?.health, style)];
}

/** Nothing while two lighthouses have not seen this host, and from a daemon of an older version. */
function translatorRow({ nat }: Partial<StatusReport["host"]>): readonly [string, string][] {
  if (nat === undefined || nat.mapping === "unknown") return [];
  const seen = nat.seenAt.length === 0 ? "" : `, seen at ${nat.seenAt.join(", ")}`;
  return [["  translator", `${TRANSLATORS[nat.mapping]}${seen}`]];
}

const TRANSLATORS: Readonly<Record<StatusReport["host"]["nat"]["mapping"], string>> = {
  unknown: "unknown",
  none: "none",
  "endpoint-independent": "the same port for every peer",
  sequential: "another port for each peer, counted",
  random: "another port for each peer, drawn",
};
