import { wallTime } from "../../core/base/time.ts";
import type { Certificate } from "../../core/cert/certificate.ts";
import { debugEndText } from "../../core/cert/debug-group.ts";
import { natVerdict } from "../../core/nat/verdict.ts";
import { contains, parsePrefix } from "../../core/netip/prefix.ts";
import { pingFailureText } from "../../core/operator/failure-text.ts";
import { clause } from "../clause.ts";
import { duration } from "../duration.ts";
import { DEBUG_AGAIN } from "../health/certificate.ts";
import { knownTrouble } from "./by-health.ts";
import type { Examined, Tried } from "./examined.ts";
import { doubtful, type Finding, failed, passed, type Stage } from "./report.ts";

type Look = (examined: Examined) => Finding;

/** Clocks may differ by less: certificates are made to the minute at best. */
const CLOCK_DIFFERENCE_MAX_MS = 60_000;

/** What does not depend on who is to be reached. */
export const ownStages: Readonly<Record<OwnStage, Look>> = {
  configuration: ({ health, refusedAtStart }) => {
    if (refusedAtStart !== undefined)
      return doubtful(`the file would be refused now: ${refusedAtStart}`, "correct it, then: lacis reload");
    return knownTrouble(health, "configuration") ?? passed("what runs is what is written");
  },
  certificate,
  daemon: ({ health }) => knownTrouble(health, "daemon") ?? passed("it runs"),
  "data-plane": ({ health, dataPlane }) => {
    const trouble = knownTrouble(health, "data-plane");
    if (trouble) return trouble;
    if (dataPlane.state !== "up")
      return failed("the data plane is not running", "see the log of the daemon: it is started again by itself");
    const device = dataPlane.device === undefined ? "no device" : `device ${dataPlane.device}`;
    return passed(`${device}, UDP port ${dataPlane.port}`);
  },
  overlay: (examined) => {
    const known = knownTrouble(examined.health, "overlay");
    if (known?.outcome === "failed") return known;
    return shadowOverPeer(examined) ?? known ?? passed("packets for the overlay take its device");
  },
  underlay: ({ health }) => knownTrouble(health, "underlay") ?? passed("this machine has a way out"),
  lighthouse,
  clock: ({ node }) => {
    const known = node.peers.flatMap(({ name, clockAheadMs }) =>
      clockAheadMs === undefined ? [] : { name, clockAheadMs },
    );
    if (known.length === 0) return passed("nobody to compare it with");
    const sorted = known.toSorted((a, b) => a.clockAheadMs - b.clockAheadMs);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? { name: undefined, clockAheadMs: 0 };
    const ahead = middle.clockAheadMs;
    if (Math.abs(ahead) <= CLOCK_DIFFERENCE_MAX_MS) return passed("it agrees with those of others");
    const others = known.length === 1 ? `that of ${middle.name}` : `those of most of ${known.length} hosts`;
    return doubtful(
      `the clock of this host is ${duration(Math.abs(ahead))} ${ahead > 0 ? "behind" : "ahead of"} ${others}: certificates begin and end by it`,
      "set it: timedatectl set-ntp true",
    );
  },
  translator: ({ health, node, settings }) => {
    const { useRelays, relays } = settings.live.relay;
    return knownTrouble(health, "translator") ?? passed(natVerdict(node.nat, useRelays && relays.length > 0));
  },
  others: ({ health }) =>
    knownTrouble(health, "others") ?? passed("nobody is refused who could be meant, and nobody shares an address"),
};

/** A route of somebody else's may be there on purpose; over the address of the host that is asked about it is what is wrong. */
function shadowOverPeer({ health, peer }: Examined): Finding | undefined {
  const address = peer?.result.address;
  const shadow = health.find(({ code, about = "" }) => {
    const prefix = parsePrefix(about.includes("/") ? about : `${about}/${about.includes(":") ? 128 : 32}`);
    return code === "overlay-shadowed" && address !== undefined && prefix !== undefined && contains(prefix, address);
  });
  return shadow && failed(shadow.text, shadow.todo);
}

export type OwnStage = Exclude<Stage, "name" | "place" | "handshake" | "trust" | "path" | "mtu" | "policy">;

function certificate({ health, settings, nowMs }: Examined): Finding {
  const { credential, pool } = settings.live.identity;
  const own = Object.values(credential.certificates).filter((one): one is Certificate => one !== undefined);
  for (const one of own) {
    const verified = pool.verify(one, wallTime(BigInt(Math.floor(nowMs)) * 1_000_000n));
    const ended = !verified.ok && verified.reason.code === "expired" ? debugEndText(one) : undefined;
    if (ended !== undefined) return failed(ended, DEBUG_AGAIN);
    if (!verified.ok)
      return failed(
        `others who trust what this host trusts refuse it: ${verified.reason.text}`,
        cureOf(verified.reason.code, health) ?? "sign it again: lacis-cert sign",
      );
  }
  const trouble = knownTrouble(health, "certificate");
  if (trouble) return trouble;
  const last = Math.min(...own.map(({ notAfter }) => Number(notAfter)));
  return passed(`${credential.name}, valid for ${duration(last * 1000 - nowMs)}`);
}

/** A host that was to renew itself knows why it has not. */
function cureOf(code: string, health: Examined["health"]): string | undefined {
  const renewal = code === "expired" ? health.find((each) => each.code.startsWith("renewal-")) : undefined;
  return renewal ? `${renewal.text}: ${renewal.todo}` : CURES[code];
}

const CURES: Readonly<Record<string, string>> = {
  expired: "renew it with lacis-cert resign, replace pki.cert, then: lacis reload",
  "not-yet-valid": "set the clock of this host, or wait: date -u",
  "ca-not-yet-valid": "set the clock of this host, or wait: date -u",
  "unknown-issuer": "put the authority that signed it into pki.ca, then: lacis reload",
  blocked: "take its fingerprint out of pki.blocklist, or make a new key: lacis-cert keygen",
};

function lighthouse({ health, node, lighthouses, peer }: Examined): Finding {
  if (node.amLighthouse) return passed("this host is one");
  if (lighthouses.length === 0)
    return doubtful("none is configured: only hosts in static_host_map can be found", "set lighthouse.hosts");
  const down = lighthouses.filter(({ result }) => result.outcome === "failed");
  const [first] = down;
  const known = first ? undefined : knownTrouble(health, "lighthouse");
  if (known) return known;
  if (!first) return passed(`${lighthouses.map(nameOf).join(", ")} answered`);
  const { text, todo } = whyNot(first);
  if (down.length < lighthouses.length) return doubtful(`${nameOf(first)} is not reached: ${text}`, todo);
  // A host that is found without them is worth going on for.
  const found = peer?.result.outcome === "pong" || (peer?.places?.configured.length ?? 0) > 0;
  return (found ? doubtful : failed)(`no lighthouse is reached. ${nameOf(first)}: ${text}`, todo);
}

function nameOf({ address, result }: Tried): string {
  return result.name === undefined ? address : `${result.name} (${address})`;
}

function whyNot({ result }: Tried): { readonly text: string; readonly todo: string } {
  if (result.outcome === "pong") return { text: "", todo: "" };
  const { failure } = result;
  const told = pingFailureText(failure);
  const todo = clause(told.todo);
  // Nobody tells a stranger why it is refused, and not every lighthouse tells a host that was revoked.
  const isSilent = failure.reason === "handshake-timeout" && "tried" in failure && failure.tried.length > 0;
  return {
    text: clause(told.text),
    todo: isSilent ? `${todo}; or it refuses this host: lacis status there says whom, and why` : todo,
  };
}
