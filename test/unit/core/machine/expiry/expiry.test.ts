import { describe, expect, test } from "vitest";
import { WORLD_BEGINS } from "../../../fixtures/authority.ts";
import { Mesh } from "../../../fixtures/mesh.ts";
import { type HostPlan, identityOf } from "../../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const DAY = 86_400n;
const DAY_MS = 86_400_000;

describe("the operator hears of the end of our certificate", () => {
  test("30, 7 and 1 days before it, and once when it is over", () => {
    const { mesh, told } = lone({ notAfter: WORLD_BEGINS + 40n * DAY });
    const days: number[] = [];
    for (let day = 0; day < 60; day++) {
      mesh.run(DAY_MS);
      for (let heard = days.length; heard < told().length; heard++) days.push(day);
    }
    expect(days).toEqual([10, 33, 39, 40]);
    expect(told().map(({ text }) => text.replace(/: renew.*/, ""))).toEqual([
      "This host's certificate expires in 30 days",
      "This host's certificate expires in 7 days",
      "This host's certificate expires in 24 h",
      "This host's certificate has expired",
    ]);
  });

  test("once after a start, with how long it still is", () => {
    const { told } = lone({ notAfter: WORLD_BEGINS + 3n * DAY });
    expect(told().map(({ text }) => text)).toEqual([
      "This host's certificate expires in 3 days: renew it with lacis-cert resign, then: lacis reload.",
    ]);
  });

  test("not, while there is time", () => {
    const { mesh, told } = lone({ notAfter: WORLD_BEGINS + 365n * DAY });
    mesh.wallOffsetMs = 300 * DAY_MS;
    mesh.run(DAY_MS);
    expect(told()).toEqual([]);
  });

  test("of the one that ends first, when it has two", () => {
    const { a, mesh, told } = lone({});
    const soon = identityOf(mesh.suite, { ...plan, notAfter: WORLD_BEGINS + 2n * DAY }, mesh.authority, 97);
    const later = identityOf(mesh.suite, { ...plan, versions: [2] }, mesh.authority, 97);
    const certificates = { ...soon.credential.certificates, ...later.credential.certificates };
    const identity = a.settings.live.identity;
    const credential = { ...identity.credential, certificates };
    a.reload({ ...a.settings.live, identity: { ...identity, credential } });
    expect(told().map(({ fields }) => fields["version"])).toEqual([1]);
  });

  test("anew for a new certificate, and not again for a clock that was set back", () => {
    const { mesh, a, told } = lone({ notAfter: WORLD_BEGINS + 6n * DAY });
    mesh.wallOffsetMs = -60 * DAY_MS;
    a.input({ kind: "tick" });
    mesh.wallOffsetMs = 0;
    a.input({ kind: "tick" });
    expect(told()).toHaveLength(1);
    const renewed = identityOf(mesh.suite, { ...plan, notAfter: WORLD_BEGINS + 20n * DAY }, mesh.authority, 97);
    a.reload({ ...a.settings.live, identity: { ...renewed, pool: a.settings.live.identity.pool } });
    expect(told()).toHaveLength(2);
  });

  test("though the wall clock jumps while nothing happens", () => {
    const { mesh, told } = lone({ notAfter: WORLD_BEGINS + 100n * DAY });
    mesh.wallOffsetMs = 80 * DAY_MS;
    mesh.run(DAY_MS);
    expect(told()).toHaveLength(1);
  });
});

const plan: HostPlan = { name: "a", networks: ["10.77.0.1/16"] };

function lone(more: Partial<HostPlan>) {
  const mesh = new Mesh();
  const a = mesh.host(A, { ...plan, ...more });
  return { mesh, a, told: () => a.noticed("certificate-expires") };
}
