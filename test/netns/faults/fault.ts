import { appendFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { isInstalled } from "../lab/command.ts";
import { findNebula, type Implementation, LACIS } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { buildNatMesh, type NatMesh, type Site } from "../lab/nat/nat-mesh.ts";
import { serve, stream } from "../lab/program.ts";
import { pause, waitFor } from "../lab/wait.ts";
import { peerOf } from "../status-of.ts";

/** Alice and Bob, and who helps them; both run, and have talked, when a test gets them. */
export interface Scene extends NatMesh<"alice" | "bob"> {
  readonly alice: MeshHost;
  readonly bob: MeshHost;
}

export interface Stage {
  readonly alice?: Site;
  readonly bob?: Site;
  readonly lighthouses?: 1 | 2;
  readonly relays?: 0 | 1 | 2;
  /** For how long at most nothing may get through: the median of all rounds; twice that is too much in any. */
  readonly limitMs: number;
  /** Bob may as well run a released Nebula. */
  readonly mixed?: boolean;
  /** One of the few that continuous integration does; the others are done by `npm run faults`. */
  readonly always?: true;
  /** They have not talked yet. */
  readonly strangers?: boolean;
}

/** How often each is done: once in continuous integration, more often for a figure (`npm run faults`). */
const ROUNDS = Number(process.env["LACIS_FAULT_ROUNDS"] ?? 1);
/** The long form: as long, as often and with whom the catalogue says. */
export const LONG = process.env["LACIS_FAULT_ROUNDS"] !== undefined;

const PORT = 7000;
const PER_SECOND = 20;
/** What a load of other work on the machine may add; nothing in the mesh is that fast. */
const SLACK_MS = 100;
const nebula = LONG ? await findNebula("1.11") : undefined;
const hasTools = (await isInstalled("nft")) && (await isInstalled("ping"));
let meshes = 0;

/** One fault of the catalogue, with what is measured while it happens: for how many milliseconds nothing got through. */
export function fault(number: number, title: string, stage: Stage, body: (scene: Scene) => Promise<number>): void {
  if (!LONG && !stage.always) return;
  const others: readonly Implementation[] = [LACIS, ...(stage.mixed && nebula ? [nebula] : [])];
  for (const other of others) {
    const pairing = other === LACIS ? "ours with ours" : "ours with Nebula";
    const name = `fault ${number}: ${title}: ${pairing}`;
    if (!hasTools) {
      test.skip(`${name}: needs nft and ping`, () => {});
      continue;
    }
    test.concurrent(name, { timeout: 60_000 + ROUNDS * 120_000 }, async () => {
      const seen: number[] = [];
      for (let round = 0; round < ROUNDS; round++) seen.push(await onStage(stage, other, body));
      const [median, worst] = [medianOf(seen), Math.max(...seen)];
      const said = `fault ${number}: ${title}: ${pairing}: ${seconds(median)} s${ROUNDS > 1 ? `, at worst ${seconds(worst)} s of ${ROUNDS}` : ""}`;
      console.log(said);
      if (process.env["LACIS_FAULTS_SEEN"]) {
        const record = {
          number,
          title,
          pairing,
          medianMs: Math.round(median),
          worstMs: Math.round(worst),
          rounds: ROUNDS,
        };
        await appendFile(process.env["LACIS_FAULTS_SEEN"], `${JSON.stringify(record)}\n`);
      }
      expect(worst, said).toBeLessThanOrEqual(2 * stage.limitMs + SLACK_MS);
      if (ROUNDS > 1) expect(median, said).toBeLessThanOrEqual(stage.limitMs + SLACK_MS);
    });
  }
}

async function onStage(stage: Stage, other: Implementation, body: (scene: Scene) => Promise<number>): Promise<number> {
  const { alice = PUBLIC, bob = PUBLIC, lighthouses = 1, relays = 0, strangers } = stage;
  const nat = await buildNatMesh(`f${++meshes}`, {
    sites: { alice, bob: { ...bob, implementation: other } },
    lighthouses,
    relays,
  });
  const scene: Scene = { ...nat, alice: nat.host("alice"), bob: nat.host("bob") };
  try {
    await nat.mesh.startAll();
    await serve(scene.bob.machine, "udp-echo", PORT, "/dev/null");
    if (!strangers) await talk(scene.alice, scene.bob);
    return await body(scene);
  } catch (error) {
    const logs = [scene.alice, scene.bob].map((host) => `\n--- ${host.name}\n${host.daemon.log().slice(-4_000)}`);
    throw new Error(`${error instanceof Error ? error.message : error}${logs.join("")}`);
  } finally {
    await nat.mesh.close();
  }
}

const PUBLIC: Site = { nat: "none" };

/** They talk until they have settled on a path: what is found out about paths in the first second is no fault. */
async function talk(from: MeshHost, to: MeshHost): Promise<void> {
  expect((await from.ping(to.overlay4)).status, `${from.name} pings ${to.name}`).toBe(0);
  await from.machine.run("ping", ["-n", "-q", "-i", "0.1", "-c", "25", to.overlay4]);
}

/**
 * The longest time without an answer while something happens to a stream of twenty datagrams a second from Alice to Bob, in milliseconds, less the
 * distance of two datagrams.
 */
export async function outage(
  { alice, bob }: Scene,
  forSeconds: number,
  event: () => Promise<unknown>,
): Promise<number> {
  const streaming = stream(alice.machine, {
    address: bob.overlay4,
    port: PORT,
    perSecond: PER_SECOND,
    seconds: forSeconds + 1.5,
  });
  await pause(1_000);
  await event();
  const { longestGapMs, lost, sent } = await streaming;
  expect(lost, "it had come back for good at the end").not.toContain(sent - 1);
  return Math.max(0, longestGapMs - 1_000 / PER_SECOND);
}

/** What was replaced goes within seconds: of all the sessions that an accident has made, one is left. */
export async function hasOneSession(host: MeshHost, peer: MeshHost): Promise<void> {
  const sessions = async (): Promise<number | undefined> => (await peerOf(host, peer))?.sessions;
  await waitFor("older sessions to go", async () => (await sessions()) === 1, { withinMs: 15_000, everyMs: 100 });
}

/** From now until the first ping is answered. */
export async function untilAnswered(from: MeshHost, to: MeshHost, withinSeconds = 30): Promise<number> {
  const since = performance.now();
  const { status, stdout } = await from.machine.run("ping", [
    "-n",
    "-c",
    "1",
    "-i",
    "0.1",
    "-w",
    String(withinSeconds),
    to.overlay4,
  ]);
  expect(status, `${from.name} pings ${to.name}: ${stdout}`).toBe(0);
  return performance.now() - since;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
