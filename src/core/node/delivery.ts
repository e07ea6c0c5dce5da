import type { CertificateVersion } from "../cert/certificate.ts";
import type { DataPlaneCommand } from "../dataplane/contract.ts";
import { KEPT_MS_MAX } from "../dataplane/kept-answer.ts";
import { announcement } from "../discovery/announcer.ts";
import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { AnswerParcel, Parcel } from "../peer/parcel.ts";
import type { Session } from "../peer/session.ts";
import { PacketType } from "../wire/header.ts";
import { encodeLighthouseMessage, type LighthouseMessage } from "../wire/lighthouse.ts";
import type { NatReport } from "../wire/nat-report.ts";
import type { Machines } from "./machines.ts";
import { ownRelays } from "./over-tcp.ts";

/** A parcel for lighthouses or from one: those that are more than a test request. */
export type Letter = Extract<Parcel, { kind: "announcement" | "query" | "answer" }>;

/** What a letter says about its sender. */
export interface Sender {
  readonly address: IpAddress | undefined;
  readonly endpoints: () => readonly Endpoint[];
  /** Through whom it can be reached, too. */
  readonly relays: () => readonly IpAddress[];
  readonly nat: NatReport | undefined;
}

/** This host. */
export function senderOf(facts: Facts, machines: Pick<Machines, "carriers" | "discovery" | "nat">): Sender {
  const { discovery, nat } = machines;
  return {
    address: facts.ownAddresses[0],
    endpoints: () => discovery.ownEndpoints(),
    relays: () => ownRelays(facts, machines),
    nat: nat.own,
  };
}

/** The commands that put a letter into this session, in the dialect of its certificates; none when that dialect cannot say it. */
export function postCommands(session: Session, letter: Letter, sender: Sender): readonly DataPlaneCommand[] {
  const { ownVersion, localIndex, peer } = session;
  const dialect =
    letter.kind !== "answer" ? ownVersion : letter.reply.dialect === "recipient" ? peer.version : letter.reply.dialect;
  const message = messageOf(letter, dialect, sender);
  const body = message && encodeLighthouseMessage(message, dialect);
  if (!body) return [];
  const post = { kind: "seal-and-send", localIndex, type: PacketType.lighthouse, subtype: 0, body } as const;
  const kept =
    letter.kind === "answer" && letter.again?.localIndex === localIndex ? keptAnswer(letter, body) : undefined;
  return kept ? [post, kept] : [post];
}

/**
 * What this letter answers is answered by the data plane when it comes again, as long as nothing has changed. Where we see the host it knows from us
 * already, so that is left out where the answer would be longer than the question: no data plane answers more than it is asked.
 */
function keptAnswer({ reply, again }: AnswerParcel, body: Uint8Array): DataPlaneCommand | undefined {
  const { message, dialect } = reply;
  if (!again || message.kind !== "host-update-ack" || dialect === "recipient") return undefined;
  const isShort = body.length <= again.asked.length;
  const answer = isShort ? body : encodeLighthouseMessage({ ...message, seen: [], tellsBindings: false }, dialect);
  if (!answer || answer.length > again.asked.length) return undefined;
  return { kind: "keep-answer", ...again, answer, forMs: KEPT_MS_MAX };
}

function messageOf(letter: Letter, dialect: CertificateVersion, sender: Sender): LighthouseMessage | undefined {
  switch (letter.kind) {
    case "announcement":
      return sender.address === undefined
        ? undefined
        : announcement(dialect, sender.address, { ...sender, endpoints: sender.endpoints(), relays: sender.relays() });
    case "query":
      return { kind: "host-query", target: letter.target };
    case "answer":
      return letter.reply.message;
  }
}
