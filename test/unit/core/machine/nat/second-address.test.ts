import { describe, expect, test } from "vitest";
import type { DataPlaneCommand } from "../../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { encodeBinding } from "../../../../../src/core/wire/binding.ts";
import { PacketType, TestSubtype } from "../../../../../src/core/wire/header.ts";
import { decodeLighthouseMessage, encodeLighthouseMessage } from "../../../../../src/core/wire/lighthouse.ts";
import type { Host } from "../../../fixtures/mesh.ts";
import { NatMesh, type NatName } from "../../../fixtures/nat-mesh.ts";

const SECOND = "192.0.2.101:4242";

describe("one lighthouse with two addresses", () => {
  test.each<[NatName | "none", string]>([
    ["none", "none"],
    ["full", "endpoint-independent"],
    ["addr", "endpoint-independent"],
    ["port", "endpoint-independent"],
    ["port*", "endpoint-independent"],
    ["shifted", "endpoint-independent"],
    ["sequential", "sequential"],
    ["swapped", "sequential"],
    ["random", "random"],
  ])("shows what a translator does as two lighthouses do: %s is %s", (kind, mapping) => {
    const { scene, host } = scenery(kind);
    scene.mesh.run(500);
    expect(natOf(host).mapping).toBe(mapping);
  });

  test("lets a host behind a translator that counts be reached straight", () => {
    const { scene, host } = scenery("sequential");
    const other = scene.host("b", "port");
    scene.mesh.run(2_000);
    expect(scene.directAfter(other, host, 5_000)).toBeLessThanOrEqual(3_000);
  });

  test("is asked once, and again only when it sees the host elsewhere", () => {
    const { scene, host } = scenery("port");
    scene.mesh.run(60_000);
    expect(questionsOf(host)).toHaveLength(1);
    host.input({ kind: "local-addresses", addresses: ["10.1.0.3" as IpAddress] });
    scene.mesh.run(20_000);
    // Who moves says so twice: at once, and when nothing more has changed.
    expect([2, 3]).toContain(questionsOf(host).length);
    expect(natOf(host).mapping).toBe("endpoint-independent");
  });

  test("is asked five times in vain, where nobody listens at the second one", () => {
    const { scene, host } = scenery("port");
    scene.mesh.delivers = ({ to }) => to !== SECOND;
    scene.mesh.run(300_000);
    expect(questionsOf(host)).toHaveLength(5);
    expect(natOf(host)).toMatchObject({ mapping: "unknown", seenAt: ["203.0.113.1:4242"] });
  });

  test("is not asked by a host that two lighthouses see", () => {
    const scene = new NatMesh({ secondAddress: true });
    const host = scene.host("a", "port");
    scene.mesh.run(30_000);
    // The first to acknowledge is alone for a moment.
    expect(questionsOf(host).length).toBeLessThanOrEqual(1);
  });

  test("is not asked, if it does not say that it answers", () => {
    const { scene, host, lighthouse } = scenery("port");
    lighthouse.refuses = (command) => isAcknowledgement(command);
    scene.mesh.run(500);
    const seen = ["203.0.113.1:4242" as Endpoint];
    const acknowledgement = { kind: "host-update-ack" as const, address: host.address, seen };
    tell(scene, PacketType.lighthouse, 0, encodeLighthouseMessage(acknowledgement, 1)!);
    scene.mesh.run(100);
    expect(natOf(host).seenAt).toEqual(seen);
    expect(questionsOf(host)).toEqual([]);
  });

  test.each([
    ["another token", (_: Uint8Array) => binding(new Uint8Array(16).fill(9), "203.0.113.9:9")],
    ["no place at all", (token: Uint8Array) => binding(token, "203.0.113.9:0")],
    ["a group of hosts", (token: Uint8Array) => binding(token, "224.0.0.1:4242")],
    ["this machine", (token: Uint8Array) => binding(token, "127.0.0.1:4242")],
    ["the overlay", (token: Uint8Array) => binding(token, "10.77.3.4:4242")],
    ["another family", (token: Uint8Array) => binding(token, "[2001:db8::1]:4242")],
    ["too little", (token: Uint8Array) => binding(token, "203.0.113.9:9").subarray(1)],
  ])("is not believed when it answers with %s", (_, reply) => {
    const { scene, host } = scenery("port");
    scene.mesh.delivers = ({ to }) => to !== SECOND;
    scene.mesh.run(500);
    const [question] = questionsOf(host);
    tell(scene, PacketType.test, TestSubtype.bindingReply, reply(question!.subarray(0, 16)));
    scene.mesh.run(100);
    expect(natOf(host)).toMatchObject({ mapping: "unknown", seenAt: ["203.0.113.1:4242"] });
  });

  test("is believed once about each question", () => {
    const { scene, host } = scenery("port");
    scene.mesh.delivers = ({ to }) => to !== SECOND;
    scene.mesh.run(500);
    const [question] = questionsOf(host);
    for (const port of [4300, 4400, 4500]) {
      const body = binding(question!.subarray(0, 16), `203.0.113.1:${port}`);
      tell(scene, PacketType.test, TestSubtype.bindingReply, body);
      scene.mesh.run(100);
    }
    expect(natOf(host).seenAt).toEqual(["203.0.113.1:4242", "203.0.113.1:4300"]);
  });
});

function scenery(kind: NatName | "none") {
  const scene = new NatMesh({ lighthouses: 1, secondAddress: true });
  const [lighthouse] = scene.lighthouses;
  return { scene, host: scene.host("a", kind), lighthouse: lighthouse! };
}

function natOf(host: Host) {
  return host.status().nat;
}

/** Bodies of the binding requests that a host has sent. */
function questionsOf(host: Host): readonly Uint8Array[] {
  return host.commands.flatMap((command) =>
    command.kind === "seal-and-send" &&
    command.type === PacketType.test &&
    command.subtype === TestSubtype.bindingRequest
      ? [command.body]
      : [],
  );
}

function binding(token: Uint8Array, seenAt: string): Uint8Array {
  return encodeBinding({ token, seenAt: seenAt as Endpoint });
}

function isAcknowledgement(command: DataPlaneCommand): boolean {
  if (command.kind !== "seal-and-send" || command.type !== PacketType.lighthouse) return false;
  const decoded = decodeLighthouseMessage(command.body);
  return decoded.ok && decoded.value.message.kind === "host-update-ack";
}

/** The lighthouse says this to the only host that it has a tunnel with. */
function tell({ mesh, lighthouses }: NatMesh, type: number, subtype: number, body: Uint8Array): void {
  const [lighthouse] = lighthouses;
  const [session] = lighthouse!.dataPlane.snapshot();
  const { localIndex } = session!;
  lighthouse!.dataPlane.command({ kind: "seal-and-send", localIndex, type, subtype, body }, mesh.now);
  lighthouse!.drain();
}
