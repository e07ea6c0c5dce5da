import type { LighthouseCheck, NetcheckReport, TcpResult } from "../admin/netcheck/report.ts";
import { printable } from "../core/base/printable.ts";
import { harmless } from "../runtime/log/log-text.ts";
import { table } from "./table.ts";

/** The report for people: one line for each question, the lighthouses, and what it means. */
export function netcheckText(report: NetcheckReport): string {
  const { udp, ipv4, ipv6, nat, portMapping, mtu, tcp443, lighthouses, verdict } = report;
  const port =
    nat.keepsPort === null ? "" : nat.keepsPort ? ", keeps the port" : `, another port${stepText(nat.portStep)}`;
  const rows = [
    ["UDP:", udp],
    ["IPv4:", placeText(ipv4.seenAt)],
    ["IPv6:", placeText(ipv6.seenAt)],
    ["Mapping:", `${MAPPINGS[nat.mapping]}${port}`],
    ["Filtering:", nat.filtering],
    ["Hairpin:", nat.hairpin],
    ["Port mapping:", portMappingText(portMapping)],
    ["MTU:", mtu === null ? "unknown" : `${mtu} bytes inside the tunnel`],
    ["TCP 443:", TCP[tcp443]],
  ];
  const lines = ["Report:", ...indented(table(rows)), "Lighthouses:", ...indented(lighthouseLines(lighthouses))];
  return [...lines, printable(verdict)].join("\n");
}

const MAPPINGS: Readonly<Record<NetcheckReport["nat"]["mapping"], string>> = {
  unknown: "unknown",
  none: "no address translator",
  "endpoint-independent": "the same for every peer",
  sequential: "another for each peer, counted",
  random: "another for each peer, drawn",
};

const TCP: Readonly<Record<TcpResult | "unknown", string>> = {
  open: "open",
  refused: "nobody listens there",
  "no-answer": "no answer",
  unknown: "unknown",
};

function portMappingText(state: NetcheckReport["portMapping"]): string {
  switch (state.is) {
    case "mapped":
      return `${state.at} by ${state.protocol}`;
    case "refused":
      return `refused by ${state.protocol}: ${harmless(state.why)}`;
    case "off":
      return "unknown, listen.map_port is off";
    case "not-needed":
      return "not needed, this host has a public address";
    case "looking":
      return "unknown, the router was not asked yet";
    case "no-answer":
      return "none, the router does not answer";
  }
}

function stepText(step: number | null): string {
  return step === null ? "" : `, ${step} further on each time`;
}

function placeText(seenAt: readonly string[]): string {
  return seenAt.length === 0 ? "unknown" : `seen at ${seenAt.join(", ")}`;
}

function lighthouseLines(lighthouses: readonly LighthouseCheck[]): readonly string[] {
  if (lighthouses.length === 0) return ["none configured"];
  return lighthouses.flatMap(({ address, name, roundTripMs, path, over, failed }) => {
    const who = name === null ? address : `${harmless(name)} (${address})`;
    if (failed) return [`${who}: failed, ${failed.obstacle}: ${harmless(failed.text)}`, `  ${printable(failed.todo)}`];
    return [`${who}: ${(roundTripMs ?? 0).toFixed(1)} ms over ${over}${path === null ? "" : ` at ${path}`}`];
  });
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `    ${line}`);
}
