import { expect, test } from "vitest";
import { Authority, type CertificateCurve, type CertificateVersion } from "../../netns/lab/certificates.ts";
import { isInstalled } from "../../netns/lab/command.ts";
import { PORT } from "../../netns/lab/host-config.ts";
import { findNebula, type Implementation, LACIS } from "../../netns/lab/implementation.ts";
import { type HostPlan, Mesh, type MeshHost } from "../../netns/lab/mesh.ts";
import { statusOf } from "../../netns/status-of.ts";

/** Ours with itself and with a released Nebula, in both places. */
export interface Pairing {
  readonly name: string;
  readonly a: Implementation;
  readonly b: Implementation;
}

const nebula = await findNebula("1.11");
const hasPing = await isInstalled("ping");

const PAIRINGS: readonly Pairing[] = [
  { name: "ours with ours", a: LACIS, b: LACIS },
  ...(nebula
    ? [
        { name: "ours with Nebula", a: LACIS, b: nebula },
        { name: "Nebula with ours", a: nebula, b: LACIS },
      ]
    : []),
];

/** Two hosts, Alice and Bob, and a lighthouse of ours between them. */
export interface Pair {
  readonly authority: Authority;
  readonly mesh: Mesh;
  readonly lighthouse: MeshHost;
  readonly a: MeshHost;
  readonly b: MeshHost;
}

export interface PairOptions {
  readonly versions?: readonly CertificateVersion[];
  readonly curve?: CertificateCurve;
  readonly a?: Omit<HostPlan, "name" | "implementation">;
  readonly b?: Omit<HostPlan, "name" | "implementation">;
  readonly lighthouse?: Omit<HostPlan, "name" | "implementation">;
  /** Nothing is started for the test. */
  readonly idle?: boolean;
}

let labs = 0;

/** One scenario of the catalogue, for every pairing. Meshes of their own, several at once. */
export function scenario(
  number: number,
  title: string,
  options: PairOptions,
  body: (pair: Pair) => Promise<void>,
): void {
  const missing = [...(nebula ? [] : ["Nebula 1.11 (scripts/fetch-peers)"]), ...(hasPing ? [] : ["ping"])];
  if (missing.length > 0) test.skip(`scenario ${number}: ${title}: needs ${missing.join(" and ")}`, () => {});
  if (!hasPing) return;
  for (const pairing of PAIRINGS) {
    test.concurrent(`scenario ${number}: ${title}: ${pairing.name}`, async () => {
      const label = `n${number}x${++labs}`;
      const versions = options.versions ?? [2];
      const all = [versions, ...[options.a, options.b, options.lighthouse].map((plan) => plan?.versions ?? [])].flat();
      const authority = await Authority.create(
        LACIS.certificates,
        `/run/lab/${label}-authority`,
        new Set(all),
        options.curve,
      );
      const hosts: readonly [HostPlan, ...HostPlan[]] = [
        { name: "lighthouse", implementation: LACIS, ...options.lighthouse },
        { name: "alice", implementation: pairing.a, ...options.a },
        { name: "bob", implementation: pairing.b, ...options.b },
      ];
      const mesh = await Mesh.create(label, { authority, versions, hosts });
      try {
        if (!options.idle) await mesh.startAll();
        const [lighthouse, a, b] = [mesh.host("lighthouse"), mesh.host("alice"), mesh.host("bob")];
        await body({ authority, mesh, lighthouse, a, b });
      } finally {
        await mesh.close();
      }
    });
  }
}

/** Static addresses of hosts in place of a lighthouse: host number n is at 192.0.2.n. */
export function knows(...numbers: readonly number[]): NonNullable<HostPlan["config"]> {
  const staticHosts = Object.fromEntries(numbers.map((n) => [`10.77.0.${n}`, `192.0.2.${n}:${PORT}`]));
  return { lighthouse: "none", staticHosts };
}

/** A ping is answered within the time. */
export async function answers(from: MeshHost, to: MeshHost | string, withinSeconds = 10): Promise<void> {
  const address = typeof to === "string" ? to : to.overlay4 || to.overlay6!;
  const pinged = await from.ping(address, withinSeconds);
  const logs = [from, ...(typeof to === "string" ? [] : [to])].map(
    (host) => `\n--- ${host.name}\n${host.daemon.log().slice(-6_000)}`,
  );
  expect(pinged.status, `${from.name} pings ${address}\n${pinged.stdout}${logs.join("")}`).toBe(0);
}

/** How many of `count` pings, ten a second, were not answered while `meanwhile` went on. */
export async function lostOf(
  count: number,
  from: MeshHost,
  to: MeshHost,
  meanwhile: () => Promise<void>,
): Promise<number> {
  const sent = String(count + MORE_PINGS);
  const ping = from.machine.run("ping", ["-n", "-c", sent, "-i", "0.1", "-W", "1", to.overlay4], {
    timeoutMs: count * 100 + 30_000,
  });
  await meanwhile();
  const answered = [...(await ping).stdout.matchAll(/ bytes from .* icmp_seq=(\d+) /g)].map(([, number]) =>
    Number(number),
  );
  return count - new Set(answered.filter((number) => number <= count)).size;
}

/** Behind those that count: ping ends two round trips after the last, and on a busy machine an answer may come later than that. */
const MORE_PINGS = 30;

/** What hosts of ours have dropped, and why, for whoever has lost something. */
export async function dropsOf(hosts: readonly MeshHost[]): Promise<string> {
  const told = hosts
    .filter(isOurs)
    .map(async (host) => `${host.name}: ${JSON.stringify((await statusOf(host)).drops)}`);
  return (await Promise.all(told)).join("\n");
}

/** Whether this host runs ours. */
export function isOurs(host: MeshHost): boolean {
  return host.implementation === LACIS;
}
