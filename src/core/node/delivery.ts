import type { CertificateVersion } from "../cert/certificate.ts";
import type { DataPlaneCommand } from "../dataplane/contract.ts";
import { announcement } from "../discovery/announcer.ts";
import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { Parcel } from "../peer/parcel.ts";
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

/** The command that puts a letter into this session, in the dialect of its certificates; undefined when that dialect cannot say it. */
export function postCommand(session: Session, letter: Letter, sender: Sender): DataPlaneCommand | undefined {
  const { ownVersion, localIndex, peer } = session;
  const dialect =
    letter.kind !== "answer" ? ownVersion : letter.reply.dialect === "recipient" ? peer.version : letter.reply.dialect;
  const message = messageOf(letter, dialect, sender);
  const body = message && encodeLighthouseMessage(message, dialect);
  return body && { kind: "seal-and-send", localIndex, type: PacketType.lighthouse, subtype: 0, body };
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
