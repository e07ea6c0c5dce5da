import { describe, expect, test } from "vitest";
import { TestAuthority } from "../../../fixtures/authority.ts";
import { certificateOf, heldBy, network } from "./network.ts";

describe("a host whose key is on the list", () => {
  test("is cut off by everybody at once, and does not come back", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b", "laptop"]);
    const [a, b, laptop] = hosts;
    for (const host of [a!, b!, lighthouse]) expect(laptop!.ping(host).outcome).toBe("pong");
    lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop!)));
    mesh.run(200);
    for (const host of [a!, b!, lighthouse]) {
      expect(host.noticed("peer-distrusted")[0]?.text).toMatch(
        /^laptop is cut off: .* was revoked: list 1 of "test ca"/,
      );
      expect(laptop!.ping(host, 1_000).outcome).toBe("failed");
      expect(host.ping(laptop!, 1_000)).toMatchObject({ outcome: "failed" });
    }
    expect(a!.ping(b!).outcome).toBe("pong");
  });

  test("is let in by nobody who is restarted with the list, while everybody else is away", () => {
    const { mesh, lighthouse, hosts } = network(["a", "laptop"]);
    const [a, laptop] = hosts;
    lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop!)));
    mesh.run(1_000);
    const kept = a!.held;
    mesh.remove(lighthouse);
    a!.restart();
    a!.input({ kind: "bulletins", news: { what: "recalled", bulletins: kept } });
    expect(a!.ping(laptop!, 1_000).outcome).toBe("failed");
    expect(heldBy(a!)).toEqual([1]);
  });

  test("stays out through a reload, and is let in again by a newer list without it", () => {
    const { mesh, lighthouse, hosts } = network(["a", "laptop"]);
    const [a, laptop] = hosts;
    lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop!)));
    mesh.run(1_000);
    a!.reload(a!.settings.live);
    expect(a!.ping(laptop!, 1_000).outcome).toBe("failed");
    lighthouse.publish(mesh.authority.revocations(2));
    mesh.run(30_000);
    expect(a!.ping(laptop!).outcome).toBe("pong");
  });
});

test("a list of what cannot be read is said to be refused, and cuts nobody off", () => {
  const { mesh, lighthouse, hosts } = network(["a", "b"]);
  lighthouse.publish(mesh.authority.bulletin({ number: 1, body: Uint8Array.of(0x0a, 0x7f) }));
  mesh.run(1_000);
  expect(lighthouse.status().bulletins).toMatchObject([{ state: "refused", applied: 0, refused: ["a", "b"] }]);
  expect(hosts[0]!.ping(hosts[1]!).outcome).toBe("pong");
});

test("a list of an authority that is not trusted any more counts no longer", () => {
  const { mesh, lighthouse, hosts } = network(["a", "laptop"]);
  const [a, laptop] = hosts;
  lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop!)));
  mesh.run(1_000);
  const other = new TestAuthority(mesh.suite, 9, "other");
  const stranger = network(["x"], { trusts: other }).hosts[0]!;
  a!.reload({ ...a!.settings.live, identity: stranger.settings.live.identity });
  expect(heldBy(a!)).toEqual([]);
});

test("a host that hears of its own revocation says so", () => {
  const { mesh, hosts } = network(["laptop"]);
  const [laptop] = hosts;
  expect(laptop!.status().isRevoked).toBe(false);
  laptop!.publish(mesh.authority.revocations(1, certificateOf(laptop!)));
  expect(laptop!.status().isRevoked).toBe(true);
});
