import { describe, expect, test } from "vitest";
import { ok } from "../../../src/core/base/result.ts";
import { SharedLists } from "../../../src/core/base/shared-lists.ts";
import { CaPool } from "../../../src/core/cert/ca-pool.ts";
import type { Certificate, UnreadCertificate, VerifiedCertificate } from "../../../src/core/cert/certificate.ts";
import { KeptCertificate } from "../../../src/core/cert/kept-certificate.ts";
import type { DataPlaneEvent } from "../../../src/core/dataplane/contract.ts";
import { directPath } from "../../../src/core/path/path.ts";
import { PacketType } from "../../../src/core/wire/header.ts";
import { overlayAddress, roles } from "../cast/cast.ts";
import type { Parts } from "../world/host.ts";
import { planWorld, type WorldPlan } from "../world/plan.ts";
import { runSeed } from "../world/world.ts";
import { leakingTo, losingDeadline, lyingNats, sharingSessions, swappingSessions } from "./mixing-up.ts";
import {
  altering,
  commanding,
  deafTo,
  delivering,
  deliveringKnownFlows,
  obeying,
  reacting,
  settled,
  tagBlind,
} from "./wrong-hosts.ts";
import { askingRelaysOnce, forwardingTwice } from "./wrong-relays.ts";

/** A wrong host must be caught within this many seeds. */
const SEEDS = 60;

interface Mutant {
  readonly host: string;
  readonly parts: Parts;
  readonly caught: RegExp;
  /** Whether a world can show it; left out: any. */
  readonly world?: (plan: WorldPlan) => boolean;
}

const mutants: readonly Mutant[] = [
  { host: "delivers replayed packets", parts: delivering("replayed"), caught: /twice/ },
  { host: "delivers from any inner source", parts: delivering("remote-address"), caught: /false source/ },
  { host: "delivers what no rule allows", parts: delivering("no-matching-rule"), caught: /rules forbid/ },
  { host: "does not look at tags", parts: tagBlind, caught: /other bytes|nobody sent|nobody holds/ },
  {
    host: "sends on sessions that nobody has confirmed",
    parts: commanding((command) =>
      command.kind === "install-session" ? [{ ...command, confirmed: true, primary: true }] : [command],
    ),
    caught: /trusts session/,
  },
  {
    host: "has a data plane that takes every session for confirmed",
    parts: obeying((command) =>
      command.kind === "install-session" ? { ...command, confirmed: true, primary: true } : command,
    ),
    caught: /unconfirmed session/,
  },
  {
    host: "roams to wherever a packet claims to come from",
    parts: reacting(({ reason, localIndex }, source) =>
      reason === "not-authentic" && localIndex !== undefined
        ? { kind: "set-path", localIndex, path: directPath(source) }
        : undefined,
    ),
    caught: /a stranger who/,
  },
  {
    host: "installs the keys of a session again",
    parts: commanding((command) =>
      command.kind === "install-session"
        ? [command, { kind: "remove-session", localIndex: command.localIndex, sendClose: false }, command]
        : [command],
    ),
    caught: /used already/,
  },
  {
    host: "takes any certificate",
    parts: settled((live) => ({ ...live, identity: { ...live.identity, pool: credulous } })),
    caught: /take each other for/,
  },
  {
    host: "puts new rules on new sessions only",
    parts: commanding((command) =>
      command.kind === "apply-policies" ? [{ ...command, bindings: [], raiseEpoch: false }] : [command],
    ),
    caught: /rules forbid/,
  },
  { host: "keeps its old rules", parts: deafTo(({ kind }) => kind !== "reload"), caught: /rules forbid|may talk/ },
  {
    host: "answers a handshake twice",
    parts: commanding((command) =>
      command.kind === "send-datagram" && command.datagram[15] === 2 ? [command, command] : [command],
    ),
    caught: /a stranger who sent/,
  },
  {
    host: "never notices that a peer is gone",
    parts: deafTo((input) => input.kind !== "data-plane" || !signsOfDeath(input.event)),
    caught: /may talk/,
  },
  {
    host: "does not hear of sessions that were confirmed",
    parts: deafTo((input) => input.kind !== "data-plane" || input.event.kind !== "confirmed"),
    caught: /./,
  },
  {
    host: "forgets who asked it to ping",
    parts: altering((output) => (output.to === "pinger" ? [] : [output])),
    caught: /ping/,
  },
  {
    host: "neither hears of silence, nor of sessions that are gone, nor comes to its liveness checks",
    parts: deafTo((input) => input.kind !== "data-plane" || !isTrouble(input.event), losingDeadline(/liveness/)),
    caught: /may talk/,
  },
  { host: "tells one session what another one said", parts: swappingSessions("message"), caught: /may talk/ },
  {
    host: "lets two peers claim a session",
    parts: sharingSessions(),
    caught: /not meant to see it/,
  },
  {
    host: "keeps judging a flow by the rules that stood when it began",
    parts: deliveringKnownFlows("no-matching-rule"),
    caught: /rules forbid/,
  },
  {
    host: "has a route that leaks",
    parts: leakingTo(roles.map(({ number }) => overlayAddress(number, 4))),
    caught: /not meant to see it/,
  },
  {
    host: "lives behind a NAT that lies about its filtering",
    parts: lyingNats({ filtering: "address-and-port-dependent" }),
    caught: /may talk/,
    world: onItsTranslatorAlone,
  },
  {
    host: "lives behind a NAT that lies about its mapping",
    parts: lyingNats({ mapping: "address-and-port-dependent" }),
    caught: /may talk/,
    world: onItsTranslatorAlone,
  },
  {
    host: "never asks a relay twice",
    parts: askingRelaysOnce(),
    caught: /may talk/,
  },
  {
    host: "does not hear what relays are asked and answer",
    parts: deafTo(
      (input) =>
        input.kind !== "data-plane" || input.event.kind !== "message" || input.event.type !== PacketType.control,
    ),
    caught: /may talk/,
  },
  {
    host: "relays everything back to where it came from",
    parts: commanding((command) =>
      command.kind === "set-relay" && command.role.kind === "forward"
        ? [{ ...command, role: { kind: "forward", session: command.session, relayIndex: command.remoteIndex } }]
        : [command],
    ),
    caught: /may talk/,
  },
  { host: "forwards everything twice", parts: forwardingTwice(), caught: /forwarded a packet/ },
  {
    host: "throws on a malformed message",
    parts: altering((output) => {
      if (output.to === "operator" && output.event.code === "lighthouse-message-malformed") throw new Error("oops");
      return [output];
    }),
    caught: /threw during/,
  },
];

describe(`within ${SEEDS} seeds, a host is caught that`, () => {
  test.each(mutants)("$host", ({ parts, caught, world = () => true }) => {
    const violations: string[] = [];
    for (const seed of seedsOf(world)) {
      violations.push(runSeed(seed, parts, { digest: false }).violation ?? "");
      if (violations.some((violation) => caught.test(violation))) break;
    }
    expect(violations.join("\n")).toMatch(caught);
  });
});

/** Word that a session may be of no use any more. */
function isTrouble(event: DataPlaneEvent): boolean {
  return event.kind === "silent" || signsOfDeath(event);
}

/** The first seeds whose worlds are like that. */
function* seedsOf(world: (plan: WorldPlan) => boolean): Iterable<number> {
  for (let seed = 1, found = 0; found < SEEDS; seed++) {
    if (!world(planWorld(seed))) continue;
    found++;
    yield seed;
  }
}

/** Where a NAT keeps two hosts apart, nothing else brings them together. */
function onItsTranslatorAlone({ setup, topology }: WorldPlan): boolean {
  return setup.relays.size === 0 && setup.ipv6.size === 0 && topology.sites.length > 0;
}

/** Samples show silence, recv_errors that a session is unknown. */
function signsOfDeath(event: DataPlaneEvent): boolean {
  return event.kind === "sampled" || (event.kind === "datagram" && event.datagram[0] === 0x12);
}

/** Believes every certificate. */
const credulous: CaPool = Object.create(CaPool.prototype, {
  verify: { value: (certificate: Certificate) => ok(kept(certificate)) },
  admit: {
    value: ({ read }: UnreadCertificate) => {
      const certificate = read();
      return certificate.ok ? ok(kept(certificate.value)) : certificate;
    },
  },
  recheck: { value: (certificate: VerifiedCertificate) => ok(certificate) },
  caOf: { value: () => undefined },
  authorities: { value: [] },
});

function kept(certificate: Certificate): VerifiedCertificate {
  return new KeptCertificate(certificate, new SharedLists()) as Certificate as VerifiedCertificate;
}
