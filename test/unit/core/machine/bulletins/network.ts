import type { Certificate } from "../../../../../src/core/cert/certificate.ts";
import type { DataPlaneCommand } from "../../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import {
  type BulletinMessage,
  decodeBulletinMessage,
  encodeBulletinMessage,
} from "../../../../../src/core/wire/bulletin-message.ts";
import { PacketType } from "../../../../../src/core/wire/header.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import type { HostPlan } from "../../../fixtures/settings.ts";

const LIGHTHOUSE = "192.0.2.1:4242";
export const REPORTS: Partial<HostPlan> = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [LIGHTHOUSE] } };

/** A lighthouse, and hosts that report to it: "a" is 10.77.0.2, and so on. */
export function network(names: readonly string[], changes: Partial<HostPlan> = {}) {
  const mesh = new Mesh();
  const lighthouse = mesh.host(LIGHTHOUSE, { name: "lighthouse", networks: ["10.77.0.1/16"], amLighthouse: true });
  const hosts = names.map((name, i) =>
    mesh.host(`192.0.2.${i + 2}:4242`, {
      name,
      networks: [`10.77.0.${i + 2}/16`],
      keySeed: i + 10,
      ...REPORTS,
      ...changes,
    }),
  );
  mesh.run(500);
  return { mesh, lighthouse, hosts };
}

export function certificateOf(host: Host): Certificate {
  return host.settings.live.identity.credential.certificates[1]!;
}

/** The numbers that a host holds. */
export function heldBy(host: Host): readonly number[] {
  return host.held.map(({ head }) => head.number);
}

/** Says this in the tunnel, whatever the machine would say. */
export function say(from: Host, to: Host, message: BulletinMessage): void {
  const localIndex = sessionWith(from, to.address);
  const body = encodeBulletinMessage(message);
  const command = { kind: "seal-and-send", localIndex, type: PacketType.control, subtype: 0, body } as const;
  from.dataPlane.command(command, from.mesh.now);
  from.drain();
}

export function saidBy(host: Host): readonly BulletinMessage[] {
  return host.commands.flatMap((command) => {
    const isControl = command.kind === "seal-and-send" && command.type === PacketType.control;
    return (isControl && decodeBulletinMessage(command.body)) || [];
  });
}

function sessionWith(from: Host, address: IpAddress) {
  const installed = from.sent("install-session") as Extract<DataPlaneCommand, { kind: "install-session" }>[];
  return installed.findLast(({ peerAddresses }) => peerAddresses.includes(address))!.localIndex;
}
