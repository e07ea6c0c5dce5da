import { describe, expect, test } from "vitest";
import { ok } from "../../../../../src/core/base/result.ts";
import { instant } from "../../../../../src/core/base/time.ts";
import type { CaPool } from "../../../../../src/core/cert/ca-pool.ts";
import type { Certificate } from "../../../../../src/core/cert/certificate.ts";
import { RefusedCallers } from "../../../../../src/core/machine/answers/refused-callers.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";
import { TestAuthority, WORLD_BEGINS } from "../../../fixtures/authority.ts";
import { identityOf } from "../../../fixtures/settings.ts";

const ours = new TestAuthority(nodeSuite, 7);
const theirs = new TestAuthority(nodeSuite, 8);
const from = "192.0.2.9:4242" as Endpoint;
const start = instant(1_000);
const { pool }: { pool: CaPool } = identityOf(nodeSuite, { name: "us", networks: ["10.77.0.1/16"] }, ours, 1);

describe("who was refused", () => {
  test("is named as an authority of ours has signed it", () => {
    const callers = new RefusedCallers();
    expect(note(callers, certificate(ours))).toMatchObject({
      name: "bob",
      addresses: ["10.77.0.9"],
      isProven: true,
      times: 1,
    });
  });

  test("only says to be somebody where no authority of ours has signed it, or the signature is not its own", () => {
    const callers = new RefusedCallers();
    expect(note(callers, certificate(theirs))).toMatchObject({ name: "bob", isProven: false });
    const genuine = certificate(ours);
    const forged = {
      ...genuine,
      signature: genuine.signature.map((byte) => byte ^ 1),
      fingerprint: "ff",
    } as Certificate;
    expect(note(callers, forged)).toMatchObject({ isProven: false });
  });

  test("is one caller however often it calls, and forgotten ten minutes later", () => {
    const callers = new RefusedCallers();
    for (let i = 0; i < 5; i++) note(callers, certificate(ours), instant(start + i));
    expect(callers.lately(start)).toMatchObject([{ times: 5 }]);
    expect(callers.lately(instant(start + 700_000))).toEqual([]);
  });

  test("is read at most sixteen times at once, however many certificates are made up, and no more than 64 are kept", () => {
    const callers = new RefusedCallers();
    const names = Array.from({ length: 100 }, (_, i) => certificate(theirs, `caller ${i}`));
    expect(names.filter((one) => note(callers, one) !== undefined)).toHaveLength(16);
    for (const [i, one] of names.entries()) note(callers, one, instant(start + 10_000 + 1_000 * i));
    expect(callers.lately(instant(start + 110_000))).toHaveLength(64);
  });

  test("is cut where its name is longer than a line", () => {
    expect(note(new RefusedCallers(), certificate(theirs, "x".repeat(200)))?.name).toHaveLength(64);
  });

  test("is nobody when a handshake of an accepted host is only late", () => {
    const callers = new RefusedCallers();
    const shown = { head: certificate(ours), read: () => ok(certificate(ours)) };
    const refusal = { code: "too-old", fingerprint: certificate(ours).fingerprint } as const;
    expect(callers.note({ refusal, shown, from }, pool, start)).toBeUndefined();
  });
});

function note(callers: RefusedCallers, one: Certificate, now = start) {
  const refusal = { code: "expired", text: "the certificate expired", fingerprint: one.fingerprint } as const;
  return callers.note({ refusal, shown: { head: one, read: () => ok(one) }, from }, pool, now);
}

function certificate(authority: TestAuthority, name = "bob"): Certificate {
  const publicKey = new Uint8Array(32).fill(3);
  return authority.issue(1, { name, networks: ["10.77.0.9/16"], publicKey, notAfter: WORLD_BEGINS - 1n });
}
