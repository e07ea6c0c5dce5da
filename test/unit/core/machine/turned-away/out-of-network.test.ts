import { describe, expect, test } from "vitest";
import { PacketType } from "../../../../../src/core/wire/header.ts";
import type { Host } from "../../../fixtures/mesh.ts";
import { certificateOf, network } from "../bulletins/network.ts";

const SENTENCE =
  /^This host is out of the network: the certificate was revoked: list 1 of "test ca", signed 2026-11-20 00:00 UTC, says \w+\.$/;

/** A lighthouse that has revoked a laptop; what came first for the laptop is made by `before`. */
function revoked(before: (laptop: Host) => void = () => undefined) {
  const made = network(["a", "laptop"]);
  const { mesh, lighthouse, hosts } = made;
  const [a, laptop] = hosts as [Host, Host];
  before(laptop);
  lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop)));
  mesh.run(2_000);
  return { mesh, lighthouse, a, laptop };
}

/** Datagrams of handshakes that a host has sent. */
function handshakesOf(host: Host): readonly Uint8Array[] {
  return host.commands.flatMap((command) =>
    command.kind === "send-datagram" && (command.datagram[0] ?? 0) % 16 === PacketType.handshake
      ? [command.datagram]
      : [],
  );
}

describe("a host that is taken out of the network", () => {
  test("hears why in the tunnel that is about to be closed, and says so once", () => {
    const { laptop } = revoked();
    expect(laptop.noticed("out-of-network")).toHaveLength(1);
    expect(laptop.noticed("out-of-network")[0]?.text).toMatch(SENTENCE);
    expect(laptop.status().outOfNetwork).toMatchObject({ via: expect.any(String) });
  });

  test("hears why when it comes back and calls, and a ping says it", () => {
    const { mesh, laptop, a } = revoked((away) => away.stopDataPlane());
    expect(laptop.noticed("out-of-network")).toEqual([]);
    laptop.startDataPlane();
    mesh.run(2_000);
    expect(laptop.noticed("out-of-network")[0]?.text).toMatch(SENTENCE);
    expect(laptop.ping("10.77.0.1", 2_000)).toMatchObject({
      outcome: "failed",
      text: expect.stringMatching(/refuses this host: .* was revoked: list 1/),
    });
    expect(a.noticed("tunnel-up").filter(({ fields }) => fields["name"] === "laptop").length).toBeLessThan(2);
  });

  test("is never sent more than it has sent, and is told once in ten seconds", () => {
    const { mesh, laptop, lighthouse } = revoked((away) => away.stopDataPlane());
    const before = handshakesOf(lighthouse).length;
    laptop.startDataPlane();
    mesh.run(9_000);
    const answers = handshakesOf(lighthouse).slice(before);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.length).toBeLessThanOrEqual(Math.min(...handshakesOf(laptop).map(({ length }) => length)));
  });

  test("hears nothing where a host is to tell nobody anything", () => {
    const { mesh, lighthouse, hosts } = network(["laptop"]);
    const [laptop] = hosts as [Host];
    lighthouse.reload({ ...lighthouse.settings.live, tellsPeers: false });
    lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop)));
    mesh.run(5_000);
    expect(laptop.status().outOfNetwork).toBeUndefined();
    expect(lighthouse.noticed("handshake-refused").length).toBeGreaterThan(0);
  });

  test("forgets that once it is let in again", () => {
    const { mesh, lighthouse, laptop } = revoked();
    lighthouse.publish(mesh.authority.revocations(2));
    mesh.run(30_000);
    expect(laptop.ping("10.77.0.1")).toMatchObject({ outcome: "pong" });
    expect(laptop.status().outOfNetwork).toBeUndefined();
  });
});
