import { afterAll, describe, expect, test } from "vitest";
import { Authority } from "../netns/lab/certificates.ts";
import { findNebula, type Implementation, LACIS } from "../netns/lab/implementation.ts";
import { Mesh, type MeshHost } from "../netns/lab/mesh.ts";
import { type FlowReport, runFlows, serve } from "../netns/lab/program.ts";
import { pause } from "../netns/lab/wait.ts";

/**
 * Ours and a released Nebula as client and as gateway of a network, one gateway and two, one of them killed. The address behind the gateways is on each of
 * them, and who answers says its name: so it is seen which gateway a flow takes.
 */
const BEHIND = "192.168.7.9";
const FLOWS = 24;
/** Of a client that is ours. */
const SWITCH_MS_MAX = 3_000;

const nebula = await findNebula("1.11");
const rows: string[][] = [["client", "gateways", "before", "first answer elsewhere", "moved without need", "result"]];
afterAll(() => {
  if (rows.length > 1)
    process.stdout.write(`\n${rows.map((row) => row.map(padded).join("  ").trimEnd()).join("\n")}\n`);
});

describe("a network behind gateways", () => {
  if (!nebula) {
    test.skip("needs Nebula 1.11 (scripts/fetch-peers)", () => {});
    return;
  }
  const all = [LACIS, nebula];
  const pairs = [
    [LACIS, LACIS],
    [LACIS, nebula],
    [nebula, LACIS],
    [nebula, nebula],
  ] as const;
  let cell = 0;
  for (const client of all) {
    for (const gateway of all) one(client, gateway, `gw1-${cell++}`);
    for (const [first, second] of pairs) two(client, [first, second], `gw2-${cell++}`);
  }
});

/** A gateway that is killed and comes back. */
function one(client: Implementation, gateway: Implementation, name: string): void {
  test.concurrent(`scenario 49: ${nameOf(client)} through one gateway, ${nameOf(gateway)}: it is killed and comes back`, async () => {
    const row = note(client, [gateway]);
    const mesh = await build(name, client, [gateway]);
    try {
      const flowing = runFlows(mesh.host("client").machine, { address: BEHIND, port: 7000, flows: FLOWS, seconds: 14 });
      await pause(3_000);
      const [east] = [mesh.host("gw1")];
      await east.machine.endAll();
      const backAt = Date.now();
      await east.start();
      await serve(east.machine, "udp-name", 7000, "gw1");
      const flows = await flowing;
      expect(
        flows.every(({ answers }) => answers.length === 1 && answers[0]!.lastAt > backAt),
        wordsOf(flows),
      ).toBe(true);
      const gap = Math.max(...flows.map(({ longestGapMs }) => longestGapMs));
      row.splice(2, 4, `gw1 ${FLOWS}`, `back after ${gap} ms`, "0", "ok");
    } finally {
      await mesh.close();
    }
  });
}

/** Two gateways, each with its share of the flows, of which the first is killed. */
function two(client: Implementation, gateways: readonly [Implementation, Implementation], name: string): void {
  test.concurrent(`scenario 50: ${nameOf(client)} through two gateways, ${gateways.map(nameOf).join(" and ")}: one is killed`, async () => {
    const row = note(client, gateways);
    const mesh = await build(name, client, gateways);
    try {
      const seconds = client === LACIS ? 10 : 30;
      // Both have a tunnel: Nebula shares out a flow among those that have one.
      await runFlows(mesh.host("client").machine, { address: BEHIND, port: 7000, flows: FLOWS, seconds: 2 });
      const flowing = runFlows(mesh.host("client").machine, { address: BEHIND, port: 7000, flows: FLOWS, seconds });
      await pause(4_000);
      const killedAt = Date.now();
      await mesh.host("gw1").machine.endAll();
      const flows = await flowing;
      const before = flows.map(({ answers }) => answers.findLast(({ firstAt }) => firstAt < killedAt)?.who);
      const stayed = flows.filter((_, at) => before[at] === "gw2");
      const left = flows.filter((_, at) => before[at] === "gw1");
      expect(stayed.length, "both have flows").toBeGreaterThan(0);
      expect(left.length, "both have flows").toBeGreaterThan(0);
      const moved = stayed.filter(({ answers }) =>
        answers.some(({ who, lastAt }) => who !== "gw2" && lastAt > killedAt - 1_000),
      );
      const after = left.map(({ answers }) => answers.find(({ who, firstAt }) => who === "gw2" && firstAt > killedAt));
      const lasted = after.map((answer) => (answer ? answer.firstAt - killedAt : Number.POSITIVE_INFINITY));
      const slowest = Math.max(...lasted);
      row.splice(2, 3, `gw1 ${left.length}, gw2 ${stayed.length}`, `within ${slowest} ms`, String(moved.length));
      expect(moved.length, wordsOf(moved)).toBe(0);
      expect(slowest, wordsOf(left)).toBeLessThanOrEqual(client === LACIS ? SWITCH_MS_MAX : Number.MAX_SAFE_INTEGER);
      row[5] = "ok";
    } finally {
      await mesh.close();
    }
  });
}

async function build(name: string, client: Implementation, gateways: readonly Implementation[]): Promise<Mesh> {
  const authority = await Authority.create(LACIS.certificates, `/run/lab/authority-${name}`, new Set([2]));
  const names = gateways.map((_, at) => `gw${at + 1}`);
  const via = names.map((_, at) => ({ gateway: `10.77.0.${3 + at}`, weight: 1 }));
  const mesh = await Mesh.create(name, {
    authority,
    versions: [2],
    hosts: [
      { name: "lighthouse", implementation: LACIS },
      {
        name: "client",
        implementation: client,
        config: { more: { tun: { unsafe_routes: [{ route: "192.168.7.0/24", via }] } } },
      },
      ...gateways.map((implementation, at) => ({
        name: names[at]!,
        implementation,
        unsafe: ["192.168.7.0/24"],
        config: { inbound: [{ port: "any", proto: "any", host: "any", local_cidr: "0.0.0.0/0" }] as const },
      })),
    ],
  });
  try {
    await mesh.startAll();
    for (const gateway of names.map((each) => mesh.host(each))) await answerBehind(gateway);
    return mesh;
  } catch (error) {
    await mesh.close();
    throw error;
  }
}

async function answerBehind(gateway: MeshHost): Promise<void> {
  await gateway.machine.must("ip", ["address", "add", `${BEHIND}/32`, "dev", "lo"]);
  await serve(gateway.machine, "udp-name", 7000, gateway.name);
}

function note(client: Implementation, gateways: readonly Implementation[]): string[] {
  const row = [nameOf(client), gateways.map(nameOf).join(" + "), "", "", "", "FAIL"];
  rows.push(row);
  return row;
}

function nameOf(implementation: Implementation): string {
  return implementation === LACIS ? "ours" : "nebula";
}

function wordsOf(flows: readonly FlowReport[]): string {
  return flows.map((flow) => JSON.stringify(flow)).join("\n");
}

function padded(cell: string, at: number): string {
  return cell.padEnd(Math.max(...rows.map((row) => row[at]?.length ?? 0)));
}
