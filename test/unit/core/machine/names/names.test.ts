import { describe, expect, test } from "vitest";
import type { DataPlaneCommand } from "../../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import {
  decodeExplanation,
  type ExplanationMessage,
  encodeExplanation,
} from "../../../../../src/core/wire/explanation.ts";
import { PacketType } from "../../../../../src/core/wire/header.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import type { HostPlan } from "../../../fixtures/settings.ts";

const LIGHTHOUSE = "192.0.2.1:4242";
const OUTSIDE = "198.51.100.7" as IpAddress;
const STATICS = { "10.77.0.1": [LIGHTHOUSE] };
const REPORTS: Partial<HostPlan> = { lighthouses: ["10.77.0.1"], statics: STATICS };

function network(changes: Partial<HostPlan> = {}): { mesh: Mesh; lighthouse: Host; laptop: Host; db: Host } {
  const mesh = new Mesh();
  const lighthouse = mesh.host(LIGHTHOUSE, {
    name: "lighthouse",
    networks: ["10.77.0.1/16"],
    amLighthouse: true,
    ...changes,
  });
  const laptop = mesh.host("192.0.2.2:4242", { name: "laptop", networks: ["10.77.0.2/16"], ...REPORTS });
  const db = mesh.host("192.0.2.3:4242", { name: "db", networks: ["10.77.0.3/16"], ...REPORTS });
  mesh.run(500);
  return { mesh, lighthouse, laptop, db };
}

describe("the name of a host that this one has no tunnel with", () => {
  test("is known to the lighthouse, however it is written", () => {
    const { laptop } = network();
    expect(laptop.find("db")).toEqual(["10.77.0.3"]);
    expect(laptop.find("DB")).toEqual(["10.77.0.3"]);
  });

  test("is known to nobody when there is no such host, which takes one round trip", () => {
    const { mesh, laptop } = network();
    const before = mesh.now;
    expect(laptop.find("dbb")).toEqual([]);
    expect(mesh.now - before).toBeLessThan(100);
  });

  test("is asked for again when the question or the answer is lost, and not for ever", () => {
    const { mesh, laptop } = network();
    let lost = 0;
    mesh.delivers = () => ++lost > 1;
    expect(laptop.find("db")).toEqual(["10.77.0.3"]);
    mesh.delivers = () => false;
    const before = mesh.now;
    expect(laptop.find("db")).toEqual([]);
    expect(mesh.now - before).toBeLessThan(1_000);
  });

  test("is not asked for where no lighthouse can be asked", () => {
    const { mesh, laptop, lighthouse } = network();
    mesh.remove(lighthouse);
    laptop.restart();
    const before = mesh.now;
    expect(laptop.find("db")).toEqual([]);
    expect(mesh.now).toBe(before);
  });
});

test("a host with a tunnel is found without asking anybody", () => {
  const { mesh, laptop, db } = network();
  laptop.say(db, "hello");
  mesh.run(200);
  const before = mesh.flights.length;
  expect(laptop.find("db")).toEqual(["10.77.0.3"]);
  expect(mesh.flights.length).toBe(before);
});

test("a lighthouse that names an address outside the overlay is not believed", () => {
  const { mesh, laptop, lighthouse } = network();
  lighthouse.refuses = (command) => {
    const said = explanationIn(command);
    if (said?.kind !== "host-is" || said.addresses.includes(OUTSIDE)) return false;
    mesh.later(() => say(lighthouse, "10.77.0.2", { ...said, addresses: [OUTSIDE] }));
    return true;
  };
  expect(laptop.find("db")).toEqual([]);
});

test("a host that is no lighthouse tells nobody whom it knows", () => {
  const { mesh, laptop, db } = network();
  laptop.say(db, "hello");
  mesh.run(200);
  say(laptop, "10.77.0.3", { kind: "who-is", id: 1, name: "lighthouse" });
  mesh.run(200);
  expect(answersOf(db)).toBe(0);
});

test("a host that asks too often is answered twenty times at once, and ten times a second", () => {
  const { mesh, laptop, lighthouse } = network();
  for (let id = 1; id <= 100; id++) say(laptop, "10.77.0.1", { kind: "who-is", id, name: "db" });
  mesh.run(50);
  expect(answersOf(lighthouse)).toBe(20);
});

function say(from: Host, to: string, message: ExplanationMessage): void {
  const installed = from.sent("install-session") as Extract<DataPlaneCommand, { kind: "install-session" }>[];
  const { localIndex } = installed.find(({ peerAddresses }) => peerAddresses.includes(to as IpAddress))!;
  const body = encodeExplanation(message);
  const command = { kind: "seal-and-send", localIndex, type: PacketType.control, subtype: 0, body } as const;
  from.dataPlane.command(command, from.mesh.now);
  from.drain();
}

function answersOf(host: Host): number {
  return host.commands.filter((command) => explanationIn(command)?.kind === "host-is").length;
}

function explanationIn(command: DataPlaneCommand): ExplanationMessage | undefined {
  const isControl = command.kind === "seal-and-send" && command.type === PacketType.control;
  return isControl ? decodeExplanation(command.body) : undefined;
}
