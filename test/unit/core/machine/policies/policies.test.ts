import { describe, expect, test, vi } from "vitest";
import { concatBytes } from "../../../../../src/core/base/bytes.ts";
import type { Certificate } from "../../../../../src/core/cert/certificate.ts";
import { toHandshakeForm } from "../../../../../src/core/cert/handshake-form.ts";
import type { DataPlaneCommand } from "../../../../../src/core/dataplane/contract.ts";
import type { Rule } from "../../../../../src/core/firewall/rule.ts";
import { RuleIndex } from "../../../../../src/core/firewall/rule-index.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { encodeHandshakePayload } from "../../../../../src/core/wire/handshake-payload.ts";
import { encodeHeader, PacketType } from "../../../../../src/core/wire/header.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import { rulesetOf } from "../../../fixtures/rules.ts";
import { ALLOW_ALL } from "../../../fixtures/settings.ts";

describe("a program", () => {
  test("is sent with the first handshake of its class, and not with those that follow", () => {
    const { mesh, a, b, c } = three();
    talk(mesh, a, b);
    talk(mesh, a, c);
    expect(programsSentBy(a)).toEqual([1]);
  });

  test("of a thousand rules is neither made nor sent again for handshakes of a class that is known, genuine or forged", () => {
    const rules = Array.from({ length: 1_000 }, (_, ruleId) => ({ ...ALLOW_ALL, ruleId, portFirst: ruleId }));
    const { mesh, a, b } = three(rules);
    const program = vi.spyOn(RuleIndex.prototype, "meaning");
    talk(mesh, a, b);
    const made = program.mock.calls.length;
    const before = a.commands.length;
    const certificate = b.settings.live.identity.credential.certificates[1]!;
    for (let i = 0; i < 20; i++)
      a.receive(`203.0.113.${i}:4242` as Endpoint, forgedMessage1(certificate, BigInt(i) + mesh.clock.wall));
    expect(program.mock.calls.length).toBe(made);
    b.restart();
    talk(mesh, a, b);
    const kinds = new Set(a.commands.slice(before).map(({ kind }) => kind));
    expect(kinds).toContain("install-session");
    expect(made).toBeGreaterThan(0);
    expect(kinds).not.toContain("apply-policies");
    program.mockRestore();
  });

  test("is still known when its last session was closed under way", () => {
    const { mesh, a, b, c } = three();
    talk(mesh, a, b);
    b.input({ kind: "shutdown" });
    mesh.run(100);
    expect(a.status().peers).toEqual([]);
    talk(mesh, a, c);
    expect(programsSentBy(a)).toEqual([1]);
    expect(c.heard).toHaveLength(1);
  });

  test("is sent again to a data plane that knows nothing", () => {
    const { mesh, a, b, c } = three();
    talk(mesh, a, b);
    a.stopDataPlane();
    a.startDataPlane();
    mesh.run(200);
    talk(mesh, a, c);
    expect(programsSentBy(a)).toHaveLength(2);
    expect(b.heard.length + c.heard.length).toBe(2);
  });

  test("is sent again after it was refused", () => {
    const { mesh, a, b } = three();
    a.refuses = ({ kind }) => kind === "apply-policies";
    a.say(b, "no");
    mesh.run(300);
    expect(b.heard).toEqual([]);
    a.refuses = () => false;
    mesh.run(1_000);
    talk(mesh, a, b);
    expect(b.heard).toContain("for 192.0.2.2:4242");
    expect(programsSentBy(a).length).toBeGreaterThan(1);
    expect(new Set(programsSentBy(a))).toEqual(new Set([1]));
  });

  test("keeps its id over a reload that does not change it, and has another one when it is another", () => {
    const { mesh, a, b } = three();
    talk(mesh, a, b);
    const { live } = a.settings;
    a.reload({ ...live, firewall: rulesetOf({ inbound: [{ ...ALLOW_ALL }], outbound: [{ ...ALLOW_ALL }] }) });
    a.reload({ ...live, firewall: rulesetOf({ inbound: [{ ...ALLOW_ALL, portLast: 80 }], outbound: [ALLOW_ALL] }) });
    expect(programsSentBy(a)).toEqual([1, 1, 2]);
    expect(judgements(a).map(({ bindings }) => bindings.length)).toEqual([0, 1, 1]);
  });
});

describe("a control plane that takes a data plane over", () => {
  test("names no program of its predecessor while its own are not there yet", () => {
    const { mesh, a, b, c } = three();
    talk(mesh, b, a);
    a.settings = { ...a.settings, live: { ...a.settings.live, firewall: rulesetOf({ inbound: [], outbound: [] }) } };
    const { dataPlane } = a;
    const carryOut = dataPlane.command.bind(dataPlane);
    dataPlane.command = (command, now) => {
      if (command.kind !== "apply-policies") carryOut(command, now);
    };
    a.restartControlPlane();
    talk(mesh, c, a);
    expect(a.heard).toHaveLength(1);
    expect(a.dataPlane.snapshot()).toHaveLength(1);
  });
});

describe("programs that fill the data plane", () => {
  test("make room by a judgement of all when nobody uses them", () => {
    const { mesh, a, b, c } = three(hungry("b", "c"));
    talk(mesh, a, b);
    b.input({ kind: "shutdown" });
    mesh.run(100);
    const before = judgements(a).length;
    talk(mesh, a, c);
    expect(c.heard).toHaveLength(1);
    expect(judgements(a).slice(before)).toMatchObject([{ programs: [{}], bindings: [] }]);
    expect(programsSentBy(a).at(-1)).toBe(2);
  });

  test("cost the session that came last, and no other, when all of them are in use", () => {
    const { mesh, a, b, c } = three(hungry("b", "c"));
    talk(mesh, a, b);
    const [known] = applied(a).flatMap(({ programs }) => programs);
    a.refuses = (command) =>
      command.kind === "apply-policies" && command.programs.some(({ policyId }) => policyId !== known?.policyId);
    a.say(c, "too much");
    mesh.run(200);
    expect(c.heard).toEqual([]);
    talk(mesh, a, b);
    expect(b.heard).toHaveLength(2);
    expect(a.status().peers.map(({ name }) => name)).toContain("b");
  });
});

function three(rules: readonly Rule[] = [ALLOW_ALL]): { mesh: Mesh; a: Host; b: Host; c: Host } {
  const mesh = new Mesh();
  const statics = { "10.77.0.2": ["192.0.2.2:4242"], "10.77.0.3": ["192.0.2.3:4242"] };
  const live = { firewall: rulesetOf({ inbound: [ALLOW_ALL], outbound: rules }) };
  const a = mesh.host("192.0.2.1:4242", { name: "a", networks: ["10.77.0.1/16"], statics, live });
  const back = { "10.77.0.1": ["192.0.2.1:4242"] };
  const b = mesh.host("192.0.2.2:4242", { name: "b", networks: ["10.77.0.2/16"], statics: back });
  const c = mesh.host("192.0.2.3:4242", { name: "c", networks: ["10.77.0.3/16"], statics: back });
  return { mesh, a, b, c };
}

/** So many rules for each of these hosts that a data plane has room for those of one. */
function hungry(...hosts: readonly string[]): readonly Rule[] {
  const rules = hosts.flatMap((host) => Array.from({ length: 140_000 }, () => ({ ...ALLOW_ALL, host })));
  return rules.map((rule, ruleId) => ({ ...rule, ruleId }));
}

/** Long enough to be answered. */
function forgedMessage1(certificate: Certificate, time: bigint): Uint8Array {
  const said = { certificate: toHandshakeForm(certificate), certificateVersion: certificate.version, time } as const;
  const payload = encodeHandshakePayload({ ...said, initiatorIndex: 7, responderIndex: 0 }, 600);
  const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
  return concatBytes(header, new Uint8Array(32).fill(5), certificate.publicKey, payload);
}

function talk(mesh: Mesh, from: Host, to: Host): void {
  from.say(to, `for ${to.endpoint}`);
  mesh.run(300);
}

function applied(host: Host): readonly Extract<DataPlaneCommand, { kind: "apply-policies" }>[] {
  return host.commands.flatMap((command) => (command.kind === "apply-policies" ? [command] : []));
}

function judgements(host: Host): ReturnType<typeof applied> {
  return applied(host).filter(({ raiseEpoch }) => raiseEpoch);
}

/** By number, in the order in which they got their ids: the first id is any. */
function programsSentBy(host: Host): readonly number[] {
  const ids = applied(host).flatMap(({ programs }) => programs.map(({ policyId }) => policyId));
  return ids.map((policyId) => policyId - (ids[0] ?? 0) + 1);
}

describe("thousands of new rules", () => {
  const many = (first: number): readonly Rule[] =>
    Array.from({ length: 5_000 }, (_, ruleId) => ({
      ...ALLOW_ALL,
      ruleId,
      portFirst: first + ruleId,
      portLast: first + ruleId,
    }));

  test("are prepared while the old ones stand, and take their place all at once", () => {
    const { mesh, a, b } = three();
    talk(mesh, a, b);
    const before = judgements(a).length;
    a.reload({ ...a.settings.live, firewall: rulesetOf({ inbound: many(1), outbound: many(1) }) });
    expect(judgements(a)).toHaveLength(before);
    mesh.run(10);
    const [judged, ...others] = judgements(a).slice(before);
    expect(others).toEqual([]);
    expect(judged).toMatchObject({ bindings: [{}], programs: [{}] });
    expect(judged?.programs[0]?.inbound).toHaveLength(5_000);
  });

  test("that others replace before they are prepared are never applied", () => {
    const { mesh, a, b } = three();
    talk(mesh, a, b);
    const before = judgements(a).length;
    a.reload({ ...a.settings.live, firewall: rulesetOf({ inbound: many(1), outbound: [] }) });
    a.reload({ ...a.settings.live, firewall: rulesetOf({ inbound: many(2), outbound: [] }) });
    mesh.run(10);
    const judged = judgements(a).slice(before);
    expect(judged.map(({ programs }) => programs[0]?.inbound[0]?.portFirst)).toEqual([2]);
  });

  test("tell that they apply when they do, and a handshake meanwhile hurries them", () => {
    const { mesh, a, b, c } = three();
    talk(mesh, a, b);
    a.reload({ ...a.settings.live, firewall: rulesetOf({ inbound: many(1), outbound: [ALLOW_ALL] }) });
    expect(a.noticed("reloaded")).toEqual([]);
    talk(mesh, a, c);
    expect(a.noticed("reloaded")).toHaveLength(1);
    expect(judgements(a).at(-1)?.programs[0]?.inbound).toHaveLength(5_000);
  });

  test("that come to hundreds of thousands in all classes together cut nobody who had room among them", () => {
    const mesh = new Mesh();
    const wide = many(1).concat(many(5_001).map((rule) => ({ ...rule, ruleId: rule.ruleId + 5_000 })));
    const narrow = Array.from({ length: 28 }, (_, at) => ({
      ...ALLOW_ALL,
      ruleId: 20_000 + at,
      host: undefined,
      groups: [`g${at}`],
    }));
    const firewall = rulesetOf({ inbound: [...wide, ...narrow], outbound: [ALLOW_ALL] });
    const server = mesh.host("192.0.2.1:4242", { name: "server", networks: ["10.77.0.1/16"], live: { firewall } });
    const statics = { "10.77.0.1": ["192.0.2.1:4242"] };
    for (let at = 0; at < 28; at++) {
      const plan = { name: `p${at}`, networks: [`10.77.0.${10 + at}/16`], groups: [`g${at}`], statics };
      mesh.host(`192.0.2.${10 + at}:1000`, plan).say(server, "hi");
      mesh.run(300);
    }
    const up = (): number => server.status().peers.filter(({ state }) => state === "up").length;
    expect(up()).toBe(26);
    server.reload({ ...server.settings.live, firewall: { ...firewall } });
    mesh.run(50);
    expect(server.noticed("tunnel-down")).toEqual([]);
    expect(up()).toBe(26);
    server.restartControlPlane();
    expect(up()).toBe(26);
  });
});

describe("the hits of rules", () => {
  test("are told for each rule with its place, and begin anew with a reload", () => {
    const { mesh, a, b } = three();
    talk(mesh, b, a);
    mesh.run(20_000);
    const [inbound, outbound] = a.node.rules();
    expect(inbound).toMatchObject({ direction: "inbound", place: "test", text: "any any host=any", flows: 1n });
    expect(outbound).toMatchObject({ direction: "outbound", flows: 0n });
    a.reload({ ...a.settings.live, firewall: { ...a.settings.live.firewall } });
    mesh.run(20_000);
    expect(a.node.rules().map(({ flows }) => flows)).toEqual([0n, 0n]);
  });
});
