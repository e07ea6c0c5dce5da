import { describe, expect, test } from "vitest";
import { utf8Encode } from "../../../../../src/core/base/bytes.ts";
import { encodePolicyBulletin, type PolicyStage } from "../../../../../src/core/policy/body.ts";
import { policyOf } from "../../../../property/policy/read-policy.ts";
import type { Host } from "../../../fixtures/mesh.ts";
import { network } from "../bulletins/network.ts";

/** Words of `say` are udp packets. */
const OPEN = "rules:\n  - {from: any, to: any, allow: any}\n";
const CLOSED = "rules: []\n";
const ONLY_A = "hosts: {a: }\nrules:\n  - {from: a, to: any, allow: udp}\n";

interface Said {
  readonly policy: string | undefined;
  readonly stage?: Omit<PolicyStage, "before" | "hosts"> & {
    readonly before?: string;
    readonly hosts?: readonly string[];
  };
}

function body({ policy, stage }: Said): Uint8Array {
  const read = (text: string | undefined) => (text === undefined ? undefined : policyOf(text));
  return encodePolicyBulletin({
    policy: read(policy),
    stage: stage && { ...stage, hosts: stage.hosts, before: read(stage.before) },
  });
}

/** A lighthouse and hosts that go by the policy of their network. */
function governed(...names: readonly string[]) {
  const made = network(names);
  for (const host of [made.lighthouse, ...made.hosts]) host.reload({ ...host.settings.live, goesByPolicy: true });
  const { mesh, lighthouse, hosts } = made;
  let number = 0;
  const publish = (said: Said): void => {
    expect(
      lighthouse.publish(mesh.authority.bulletin({ kind: "policy", number: ++number, body: body(said) })),
    ).toBeUndefined();
    mesh.run(2_000);
  };
  return { mesh, lighthouse, hosts, publish };
}

/** Whether what one host says reaches another. */
function reaches(from: Host, to: Host): boolean {
  const before = to.heard.length;
  from.say(to, "hello");
  from.mesh.run(1_000);
  return to.heard.length > before;
}

const stateOf = (host: Host) => host.status().policy?.state;
const countOf = (host: Host) => host.status().bulletins.find(({ kind }) => kind === "policy");

describe("a host that goes by the policy of its network", () => {
  test("goes by its own rules until there is one, then by what the authority says, and by its own again when that says so", () => {
    const { hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    expect(reaches(a, b)).toBe(true);
    publish({ policy: CLOSED });
    expect(reaches(a, b)).toBe(false);
    publish({ policy: ONLY_A });
    expect([reaches(a, b), reaches(b, a)]).toEqual([true, false]);
    publish({ policy: undefined });
    expect([reaches(a, b), reaches(b, a)]).toEqual([true, true]);
  });

  test("says that it applies it once it does, so that a lighthouse counts it", () => {
    const { lighthouse, hosts, publish } = governed("a", "b");
    publish({ policy: ONLY_A });
    expect(countOf(lighthouse)).toMatchObject({ hosts: 3, applied: 3, pending: [], refused: [] });
    expect(hosts[1]!.noticed("policy-applied")).toMatchObject([{ fields: { number: 1, mode: "enforce", rules: 2 } }]);
    expect(hosts[1]!.status().policy).toMatchObject({
      number: 1,
      state: "applied",
      mode: "enforce",
      place: "policy.yaml:1",
    });
    expect(hosts[1]!.node.rules().map(({ place, text }) => `${place} ${text}`)).toContain(
      "policy.yaml:3 udp any host=a",
    );
  });

  test("names the policy's lines when it explains a refusal", () => {
    const { hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: ONLY_A });
    const inquiry = { host: { by: "address", address: a.address }, direction: "outbound", local: undefined } as const;
    const result = b.why({ ...inquiry, service: { protocol: 17, port: 9 } });
    expect(result).toMatchObject({
      sides: [{}, { judgement: { allowed: false, closest: { place: "policy.yaml:3", misses: ["peer"] } } }],
    });
  });

  test("keeps the rules of before, and says so, when it cannot read what it is told", () => {
    const { mesh, lighthouse, hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: CLOSED });
    const strange = mesh.authority.bulletin({ kind: "policy", number: 2, body: utf8Encode('{"format":2}') });
    lighthouse.publish(strange);
    mesh.run(2_000);
    expect(reaches(a, b)).toBe(false);
    expect(b.noticed("policy-refused")).toMatchObject([{ level: "error", fields: { number: 2 } }]);
    expect(countOf(lighthouse)).toMatchObject({ applied: 0, refused: ["a", "b"] });
  });

  test("goes by its own rules when its configuration says so, and is counted as one that has not applied it", () => {
    const { lighthouse, hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    b.reload({ ...b.settings.live, goesByPolicy: false });
    publish({ policy: CLOSED });
    expect([reaches(a, b), reaches(b, a)]).toEqual([true, false]);
    expect(countOf(lighthouse)).toMatchObject({ applied: 2, pending: ["b"] });
    expect(stateOf(b)).toBe("off");
    b.reload({ ...b.settings.live, goesByPolicy: true });
    expect([stateOf(b), reaches(a, b)]).toEqual(["applied", false]);
    b.reload({ ...b.settings.live, goesByPolicy: false });
    expect(reaches(a, b)).toBe(true);
  });

  test("has its rules again after a reload of its configuration, and after other networks were revoked", () => {
    const { mesh, lighthouse, hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: ONLY_A });
    b.reload({ ...b.settings.live, tellsPeers: false });
    lighthouse.publish(mesh.authority.revocations(1));
    mesh.run(1_000);
    expect([reaches(a, b), reaches(b, a)]).toEqual([true, false]);
    expect(b.noticed("reloaded")).not.toEqual([]);
  });
});

describe("a policy that some hosts try first", () => {
  test("is applied by them alone, and by everybody once it is confirmed", () => {
    const { lighthouse, hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: OPEN });
    publish({ policy: CLOSED, stage: { hosts: ["b"], before: OPEN, seconds: 60 } });
    expect([reaches(a, b), reaches(b, a)]).toEqual([false, true]);
    expect([stateOf(a), stateOf(b)]).toEqual(["waiting", "applied"]);
    expect(countOf(lighthouse)).toMatchObject({ applied: 1, pending: ["a"] });
    publish({ policy: CLOSED });
    expect([reaches(a, b), reaches(b, a)]).toEqual([false, false]);
  });

  test("is undone by the host itself when nobody confirms it, told, and counted as refused", () => {
    const { mesh, lighthouse, hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: OPEN });
    publish({ policy: CLOSED, stage: { hosts: ["b"], before: OPEN, seconds: 30 } });
    mesh.run(27_000);
    expect(reaches(a, b)).toBe(false);
    mesh.run(3_000);
    expect(reaches(a, b)).toBe(true);
    expect(b.noticed("policy-reverted")).toHaveLength(1);
    expect(countOf(lighthouse)).toMatchObject({ refused: ["b"] });
  });

  test("is not tried again by a host that hears of it when it is long over", () => {
    const { mesh, lighthouse, hosts } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    mesh.run(500_000);
    const late = { kind: "policy", number: 1, body: body({ policy: CLOSED, stage: { before: OPEN, seconds: 60 } }) };
    lighthouse.publish(mesh.authority.bulletin(late));
    mesh.run(1_000);
    expect([stateOf(b), reaches(a, b)]).toEqual(["reverted", true]);
  });

  test("is tried long after its signature where it was signed ahead, for as long as any other", () => {
    const { mesh, lighthouse, hosts } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    mesh.run(500_000);
    const stage = { before: OPEN, seconds: 60, ahead: 600 };
    lighthouse.publish(mesh.authority.bulletin({ kind: "policy", number: 1, body: body({ policy: CLOSED, stage }) }));
    mesh.run(1_000);
    expect([stateOf(b), reaches(a, b)]).toEqual(["applied", false]);
    mesh.run(60_000);
    expect([stateOf(b), reaches(a, b)]).toEqual(["reverted", true]);
    mesh.run(700_000);
    const late = { ...stage, seconds: 61 };
    lighthouse.publish(
      mesh.authority.bulletin({ kind: "policy", number: 2, body: body({ policy: CLOSED, stage: late }) }),
    );
    mesh.run(1_000);
    expect([stateOf(b), reaches(a, b)]).toEqual(["reverted", true]);
  });

  test("judges no flow anew where its rules are those of before", () => {
    const { hosts, publish } = governed("a", "b");
    const b = hosts[1]!;
    publish({ policy: OPEN });
    const judged = b.sent("apply-policies").filter((command) => "raiseEpoch" in command && command.raiseEpoch).length;
    publish({ policy: OPEN, stage: { hosts: ["b"], before: OPEN, seconds: 60 } });
    publish({ policy: OPEN });
    expect(b.sent("apply-policies").filter((command) => "raiseEpoch" in command && command.raiseEpoch)).toHaveLength(
      judged,
    );
    expect(stateOf(b)).toBe("applied");
  });
});

describe("a policy that is merely audited", () => {
  test("refuses nothing, and counts what it will refuse under its own line", () => {
    const { hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: `# \nmode: audit\n${ONLY_A}` });
    expect([reaches(a, b), reaches(b, a)]).toEqual([true, true]);
    const hits = (host: Host) => {
      host.mesh.run(11_000);
      return host.node
        .rules()
        .filter(({ direction, flows }) => direction === "inbound" && flows > 0n)
        .map(({ place }) => place);
    };
    expect(hits(b)).toEqual(["policy.yaml:5"]);
    expect(hits(a)).toEqual(["policy.yaml:2"]);
  });

  test("tells of a flow that it will refuse, once in a while, and of no other", () => {
    const { hosts, publish } = governed("a", "b");
    const [a, b] = hosts as [Host, Host];
    publish({ policy: `mode: audit\n${ONLY_A}` });
    const port = (host: Host) => host.noticed("policy-would-refuse").map(({ text }) => text);
    for (let i = 0; i < 3; i++) reaches(b, a);
    reaches(a, b);
    a.mesh.run(1_000);
    expect(port(a)).toEqual([
      expect.stringMatching(
        /^b reaches udp\/\d+ here, and only policy.yaml:1 lets that through, which is merely audited.$/,
      ),
    ]);
    expect(port(b)).toEqual([]);
  });
});
