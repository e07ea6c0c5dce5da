import { describe, expect, test } from "vitest";
import type { DoctorReport, Outcome, Stage } from "../../../../src/admin/doctor/report.ts";
import { TestAuthority, WORLD_BEGINS } from "../../fixtures/authority.ts";
import { DEFAULT_BOOT, DEFAULT_LIVE } from "../../fixtures/default-settings.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import { ruleOf, rulesetOf } from "../../fixtures/rules.ts";
import type { HostPlan } from "../../fixtures/settings.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { NatMesh } from "../../fixtures/nat-mesh.ts";
import { type Around, doctor } from "./mesh-patient.ts";

const LIGHTHOUSE = "10.77.0.1";
const LIGHTHOUSE_AT = "192.0.2.1:4242";
const SERVER = "10.77.0.2";
const SERVER_AT = "192.0.2.2:4242";
const LAPTOP_AT = "192.0.2.3:4242";

/** A lighthouse, a server that reports to it, a laptop that wants to reach the server: all well but for what a test changes. */
class Trio {
  readonly mesh = new Mesh();
  readonly lighthouse: Host;
  readonly server: Host;
  readonly laptop: Host;

  constructor(changes: { lighthouse?: Partial<HostPlan>; server?: Partial<HostPlan>; laptop?: Partial<HostPlan>; mesh?: (mesh: Mesh) => void } = {}) {
    changes.mesh?.(this.mesh);
    const known = { lighthouses: [LIGHTHOUSE], statics: { [LIGHTHOUSE]: [LIGHTHOUSE_AT] } };
    const { mesh } = this;
    this.lighthouse = mesh.host(LIGHTHOUSE_AT, { name: "lh", networks: [`${LIGHTHOUSE}/16`], amLighthouse: true, ...changes.lighthouse });
    this.server = mesh.host(SERVER_AT, { name: "server", networks: [`${SERVER}/16`], groups: ["db"], ...known, ...changes.server });
    this.laptop = mesh.host(LAPTOP_AT, { name: "laptop", networks: ["10.77.0.3/16"], ...known, ...changes.laptop });
    mesh.run(3_000);
  }
}

interface Broken {
  readonly is: string;
  readonly make: () => { host: Host; asked?: string; around?: Around };
  readonly stage: Stage;
  readonly outcome?: Outcome;
  readonly says: RegExp;
}

/** The server is asked about from the laptop, unless it says otherwise. */
function trio(changes: ConstructorParameters<typeof Trio>[0] = {}, then: (trio: Trio) => void = () => {}) {
  return () => {
    const made = new Trio(changes);
    then(made);
    return { host: made.laptop, asked: SERVER };
  };
}

const stranger = (): TestAuthority => new TestAuthority(nodeSuite, 9, "another ca");
const DAY = 86_400n;

const BROKEN: readonly Broken[] = [
  {
    is: "the server's certificate is from another authority",
    make: trio({ server: { authority: stranger(), statics: { [LIGHTHOUSE]: [LIGHTHOUSE_AT], "10.77.0.3": [LAPTOP_AT] } }, laptop: { statics: { [LIGHTHOUSE]: [LIGHTHOUSE_AT], [SERVER]: [SERVER_AT] } } }, ({ server, mesh }) => { server.say("10.77.0.3" as IpAddress, "hello"); mesh.run(200); }),
    stage: "trust",
    says: /refuses somebody who says to be "server" \(10\.77\.0\.2\): the certificate's CA is not trusted here/i,
  },
  {
    is: "our certificate is from an authority that is not in pki.ca",
    make: trio({ laptop: { authority: stranger() } }),
    stage: "certificate",
    says: /CA is not trusted here/,
  },
];

describe("doctor names the stage", () => {
  test.each(BROKEN)("when $is", async ({ make, stage, outcome = "failed", says }) => {
    const { host, asked, around } = make();
    const report = await doctor(host, asked, around);
    expect(firstBad(report), JSON.stringify(report.stages, null, 1)).toMatchObject({ stage, outcome, text: expect.stringMatching(says) });
  });

  test("of none when all is well", async () => {
    const { laptop } = new Trio();
    const report = await doctor(laptop, SERVER);
    expect(report.stages.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(report.failed).toBeNull();
  });
});

function firstBad({ stages, failed }: DoctorReport) {
  return stages.find(({ stage, outcome }) => (failed === null ? outcome !== "passed" : stage === failed));
}
