import { parseArgs } from "node:util";
import type { CaPool } from "../../src/core/cert/ca-pool.ts";
import type { Credential } from "../../src/core/cert/credential.ts";
import { poolTrusting, renewedCredential } from "./cast/identities.ts";
import { LargeMesh } from "./large-mesh.ts";
import type { Host } from "./world/host.ts";

/**
 * Hosts that get new certificates while everybody talks, on virtual time: not one packet may be lost.
 *
 *     npm run sim:renewal [-- --hosts N]
 *
 * Each host says something to two others four times a second. First every host, the lighthouses among them, renews its certificate twice, at moments of chance within twenty
 * seconds each. Then the authority is changed in its three stages, each within ten seconds and in any order of hosts: trust both, be signed by the next one, trust only that. Exit
 * status 1 when a packet is lost, or an invariant of the simulator does not hold.
 */
const WORLD_MS = 70_000;
const SETTLED_MS = 15_000;

/** What changes, for each host at a moment of chance within the window, in virtual seconds. */
interface Stage {
  readonly from: number;
  readonly to: number;
  readonly change: (host: Host) => { readonly credential?: Credential; readonly pool?: CaPool };
}

const trusted = {
  old: poolTrusting("authority"),
  both: poolTrusting("authority", "next authority"),
  next: poolTrusting("next authority"),
};
const signed = (by: "authority" | "next authority", days: bigint) => (host: Host) => ({
  credential: renewedCredential(host.role, [1], { by, days }),
});

const PLAYS: Readonly<Record<string, readonly Stage[]>> = {
  "every certificate renewed twice": [
    { from: 20, to: 40, change: signed("authority", 20n) },
    { from: 42, to: 60, change: signed("authority", 30n) },
  ],
  "the authority changed": [
    { from: 20, to: 30, change: () => ({ pool: trusted.both }) },
    { from: 31, to: 45, change: signed("next authority", 20n) },
    { from: 46, to: 60, change: () => ({ pool: trusted.next }) },
  ],
};

function main(): number {
  const { values } = parseArgs({ options: { hosts: { type: "string", default: "200" } } });
  const plays = Object.entries(PLAYS).map(([title, stages]) => play(title, stages, Number(values.hosts)));
  return plays.every((isKept) => isKept) ? 0 : 1;
}

function play(title: string, stages: readonly Stage[], hosts: number): boolean {
  const began = performance.now();
  const mesh = new LargeMesh({
    hosts,
    lighthouses: 2,
    worldMs: WORLD_MS,
    startMs: 5_000,
    talkFromMs: 8_000,
    talkEveryMs: 250,
    settledMs: SETTLED_MS,
  });
  let changes = 0;
  for (const { from, to, change } of stages)
    for (const host of mesh.hosts)
      mesh.agenda.at(mesh.random.between(1_000 * from, 1_000 * to), () => {
        reload(host, change(host));
        changes++;
      });
  mesh.run();
  const { late, lost, handshakes, sessions } = mesh.figures();
  const seconds = (performance.now() - began) / 1_000;
  console.log(
    `${title}: ${mesh.hosts.length} hosts, ${changes} changes, ${handshakes} tunnels, ${sessions} sessions renewed in them, ${late} packets, of which lost: ${lost} (${seconds.toFixed(1)} s)`,
  );
  // Each tunnel shows a new certificate of either end by a new session.
  return lost === 0 && sessions > handshakes;
}

function reload(host: Host, changed: ReturnType<Stage["change"]>): void {
  const { live } = host.settings;
  const next = { ...live, identity: { ...live.identity, ...changed } };
  host.settings = { ...host.settings, live: next };
  host.tell({ kind: "reload", settings: next });
}

process.exitCode = main();
