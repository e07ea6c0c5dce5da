import { describe, expect, test, vi } from "vitest";
import { deflated } from "../../../../../src/core/base/deflate.ts";
import type { Bulletin } from "../../../../../src/core/bulletin/bulletin.ts";
import { type BulletinMessage, PIECE_BYTES_MAX } from "../../../../../src/core/wire/bulletin-message.ts";
import { TestAuthority } from "../../../fixtures/authority.ts";
import type { Host } from "../../../fixtures/mesh.ts";
import { certificateOf, heldBy, network, saidBy, say } from "./network.ts";

const LONG = new Uint8Array(40 * PIECE_BYTES_MAX);

function have({ head }: Bulletin): BulletinMessage {
  return { kind: "have", head: head.encoded, signature: head.signature, state: "applied", asks: false };
}

function idOf(bulletin: Bulletin, host: Host): Uint8Array {
  return host.mesh.suite.sha256(bulletin.head.encoded);
}

describe("a bulletin is not taken", () => {
  test("when no authority of this network has signed it, and the peer that offers it is named", () => {
    const { mesh, lighthouse, hosts } = network(["a"]);
    const forged = new TestAuthority(mesh.suite, 66, "mallory").revocations(9, certificateOf(lighthouse));
    say(hosts[0]!, lighthouse, have(forged));
    mesh.run(2_000);
    expect(heldBy(lighthouse)).toEqual([]);
    expect(lighthouse.noticed("bulletin-refused")).toMatchObject([
      { text: "a offers a revocation list 9 that is not taken: no authority that is trusted here has signed it." },
    ]);
    expect(saidBy(lighthouse)).toEqual([]);
  });

  test("when its signature is of something else", () => {
    const { mesh, lighthouse, hosts } = network(["a"]);
    const [one, two] = [mesh.authority.revocations(1), mesh.authority.revocations(2)];
    const mixed = { ...two, head: { ...two.head, signature: one.head.signature } };
    expect(lighthouse.publish(mixed)).toBe("bad-signature");
    say(hosts[0]!, lighthouse, have(mixed));
    mesh.run(1_000);
    expect(lighthouse.noticed("bulletin-refused")[0]?.fields).toMatchObject({ reason: "bad-signature", number: 2 });
    // And whoever has the true one is heard all the same.
    hosts[0]!.publish(two);
    mesh.run(1_000);
    expect(heldBy(lighthouse)).toEqual([2]);
  });

  test("when it is older, from an operator; a peer that is behind is told of the newer one", () => {
    const { mesh, lighthouse, hosts } = network(["a"]);
    lighthouse.publish(mesh.authority.revocations(2));
    mesh.run(1_000);
    expect(lighthouse.publish(mesh.authority.revocations(1))).toBe("older");
    say(hosts[0]!, lighthouse, have(mesh.authority.revocations(1)));
    mesh.run(1_000);
    expect([lighthouse, hosts[0]!].map(heldBy)).toEqual([[2], [2]]);
  });

  test("when the authority has signed another one with its number", () => {
    const { mesh, lighthouse, hosts } = network(["a"]);
    lighthouse.publish(mesh.authority.revocations(2));
    mesh.run(1_000);
    const other = mesh.authority.revocations(2, certificateOf(hosts[0]!));
    expect(lighthouse.publish(other)).toBe("conflict");
    say(hosts[0]!, lighthouse, have(other));
    mesh.run(1_000);
    expect(lighthouse.noticed("bulletin-refused")[0]?.fields).toMatchObject({ reason: "conflict" });
    expect(hosts[0]!.ping(lighthouse).outcome).toBe("pong");
  });

  test("when it was signed after the end of its authority", () => {
    const { mesh, lighthouse } = network([]);
    const issuedAt = mesh.authority.certificate.notAfter + 1n;
    expect(lighthouse.publish(mesh.authority.bulletin({ number: 1, issuedAt }))).toBe("untimely");
  });

  test("when there are sixteen kinds already", () => {
    const { mesh, lighthouse } = network([]);
    const of = (i: number) => lighthouse.publish(mesh.authority.bulletin({ kind: `kind-${i}`, number: 1 }));
    expect(Array.from({ length: 17 }, (_, i) => of(i)).filter((refusal) => refusal)).toEqual(["too-many"]);
  });
});

describe("a peer that offers what is true", () => {
  test("and sends something else costs one attempt: the next one is asked", () => {
    const { mesh, lighthouse, hosts } = network(["liar", "honest"]);
    const [liar, honest] = hosts;
    const bulletin = mesh.authority.bulletin({ kind: "policy", number: 1, body: LONG });
    liar!.refuses = () => true;
    say(liar!, lighthouse, have(bulletin));
    mesh.run(10);
    for (let at = 0; at < LONG.length; at += PIECE_BYTES_MAX)
      say(liar!, lighthouse, {
        kind: "piece",
        id: idOf(bulletin, lighthouse),
        offset: at,
        bytes: new Uint8Array(PIECE_BYTES_MAX).fill(1),
        deflatedBytes: undefined,
      });
    mesh.run(100);
    expect(lighthouse.noticed("bulletin-refused")[0]).toMatchObject({ fields: { name: "liar", reason: "wrong-body" } });
    honest!.publish(bulletin);
    mesh.run(2_000);
    expect(heldBy(lighthouse)).toEqual([1]);
  });

  test("and sends it deflated, but more of it than was signed, costs no more: neither memory nor time", () => {
    const { mesh, lighthouse, hosts } = network(["liar", "honest"]);
    const [liar, honest] = hosts;
    const bulletin = mesh.authority.bulletin({ kind: "policy", number: 1, body: LONG });
    liar!.refuses = () => true;
    for (const bomb of [deflated(new Uint8Array(64 << 20)), deflated(LONG.subarray(1)), LONG.subarray(0, 5_000)]) {
      say(liar!, lighthouse, have(bulletin));
      mesh.run(10);
      const begun = performance.now();
      for (let offset = 0; offset < bomb.length; offset += PIECE_BYTES_MAX) {
        const bytes = bomb.slice(offset, offset + PIECE_BYTES_MAX);
        say(liar!, lighthouse, {
          kind: "piece",
          id: idOf(bulletin, lighthouse),
          offset,
          bytes,
          deflatedBytes: bomb.length,
        });
      }
      mesh.run(100);
      expect(performance.now() - begun).toBeLessThan(5_000);
      expect(heldBy(lighthouse)).toEqual([]);
    }
    honest!.publish(bulletin);
    mesh.run(2_000);
    expect(heldBy(lighthouse)).toEqual([1]);
  });

  test("and sends nothing is given two seconds", () => {
    const { mesh, lighthouse, hosts } = network(["mute", "honest"]);
    const [mute, honest] = hosts;
    mute!.refuses = () => true;
    const bulletin = mesh.authority.bulletin({ kind: "policy", number: 1, body: LONG });
    say(mute!, lighthouse, have(bulletin));
    mesh.run(100);
    honest!.publish(bulletin);
    mesh.run(2_500);
    expect(heldBy(lighthouse)).toEqual([1]);
  });

  test("and sends it piece by piece for ever is left for another one after a quarter of a minute", () => {
    const { mesh, lighthouse, hosts } = network(["slow", "honest"]);
    const [slow, honest] = hosts;
    slow!.refuses = () => true;
    const bulletin = mesh.authority.bulletin({ kind: "policy", number: 1, body: LONG });
    say(slow!, lighthouse, have(bulletin));
    mesh.run(100);
    honest!.publish(bulletin);
    for (let i = 0; i < 20; i++) {
      const offset = i * PIECE_BYTES_MAX;
      const bytes = LONG.subarray(offset, offset + PIECE_BYTES_MAX);
      say(slow!, lighthouse, {
        kind: "piece",
        id: idOf(bulletin, lighthouse),
        offset,
        bytes,
        deflatedBytes: undefined,
      });
      mesh.run(1_000);
    }
    expect(heldBy(lighthouse)).toEqual([1]);
  });
});

test("pieces that nobody asked for are not kept", () => {
  const { mesh, lighthouse, hosts } = network(["a"]);
  const id = new Uint8Array(32);
  for (let i = 0; i < 100; i++)
    say(hosts[0]!, lighthouse, {
      kind: "piece",
      id,
      offset: i * 1024,
      bytes: new Uint8Array(1024),
      deflatedBytes: undefined,
    });
  mesh.run(100);
  expect(heldBy(lighthouse)).toEqual([]);
});

test("a thousand forged offers a second cost a few looks at signatures", () => {
  const { mesh, lighthouse, hosts } = network(["a"]);
  const scheme = mesh.suite.signature("CURVE25519")!;
  const verify = vi.spyOn(scheme, "verify");
  const other = new TestAuthority(mesh.suite, 66, "mallory").revocations(1);
  for (let i = 1; i <= 1_000; i++) {
    const { head } = mesh.authority.revocations(i);
    say(hosts[0]!, lighthouse, have({ ...other, head: { ...head, signature: other.head.signature } }));
  }
  mesh.run(1_000);
  expect(verify.mock.calls.length).toBeLessThan(40);
  verify.mockRestore();
  expect(lighthouse.noticed("bulletin-refused").length).toBe(1);
  lighthouse.publish(mesh.authority.revocations(1));
  mesh.run(1_000);
  expect(heldBy(hosts[0]!)).toEqual([1]);
});

test("a peer that asks for a thousand pieces at once gets those that it may", () => {
  const { mesh, lighthouse, hosts } = network(["a"]);
  const bulletin = mesh.authority.bulletin({ kind: "policy", number: 1, body: LONG });
  lighthouse.publish(bulletin);
  mesh.run(20_000);
  const before = saidBy(lighthouse).filter(({ kind }) => kind === "piece").length;
  for (let i = 0; i < 1_000; i++)
    say(hosts[0]!, lighthouse, { kind: "want", id: idOf(bulletin, lighthouse), offset: 0, deflated: false });
  mesh.run(50);
  expect(saidBy(lighthouse).filter(({ kind }) => kind === "piece").length - before).toBeLessThan(70 * 16);
});
