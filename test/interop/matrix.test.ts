import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CertificateTool } from "../netns/lab/certificate-tool.ts";
import { Authority, type CertificateCurve, type CertificateVersion } from "../netns/lab/certificates.ts";
import { isInstalled } from "../netns/lab/command.ts";
import { findNebula, type Implementation, LACIS } from "../netns/lab/implementation.ts";
import { Mesh } from "../netns/lab/mesh.ts";
import { formatMatrix } from "./matrix-table.ts";

/**
 * Every way to put ours and a released Nebula into the three places of the smallest mesh, for both ciphers and for certificates
 * made by either tool. In each: the two hosts find each other through the lighthouse and ping both ways; the initiator is killed
 * and comes back, the responder is restarted in order; after each they ping both ways again.
 */
const SETS: readonly {
  release: "1.6" | "1.11";
  certificates: string;
  versions: Record<Place, CertificateVersion[]>;
  curve?: CertificateCurve;
}[] = [
  { release: "1.6", certificates: "v1", versions: { lighthouse: [1], initiator: [1], responder: [1] } },
  { release: "1.11", certificates: "v2", versions: { lighthouse: [2], initiator: [2], responder: [2] } },
  { release: "1.11", certificates: "v1+v2", versions: { lighthouse: [1, 2], initiator: [1, 2], responder: [2] } },
  {
    release: "1.11",
    certificates: "v2 P-256",
    versions: { lighthouse: [2], initiator: [2], responder: [2] },
    curve: "P256",
  },
];
const CIPHERS = ["aes", "chachapoly"] as const;
const PLACES = ["initiator", "responder", "lighthouse"] as const;
type Place = (typeof PLACES)[number];

const hasPing = await isInstalled("ping");
const columns: string[] = [];
const results = new Map<string, Map<string, string>>();

for (const [index, set] of SETS.entries()) {
  const nebula = await findNebula(set.release);
  const missing = [...(nebula ? [] : [`Nebula ${set.release} (scripts/fetch-peers)`]), ...(hasPing ? [] : ["ping"])];
  for (const tool of [nebula?.certificates, LACIS.certificates].filter((tool) => tool !== undefined)) {
    describe(`${nebula?.name ?? `nebula ${set.release}`}, ${set.certificates} certificates by ${tool.name}`, () => {
      if (missing.length > 0 || !nebula) {
        test.skip(`needs ${missing.join(" and ")}`, () => {});
        return;
      }
      const label = `s${index}${tool === LACIS.certificates ? "o" : "n"}`;
      const authority = prepareAuthority(tool, label, set);
      for (const cipher of CIPHERS) {
        const column = `${nebula.name} ${set.certificates} ${cipher}, ${tool.name.split(" ")[0]}`;
        columns.push(column);
        for (const [number, fill] of fillings(LACIS, nebula).entries()) {
          const row = PLACES.map((place) => (fill[place] === LACIS ? "ours" : "nebula")).join(" ");
          const cell = `${label}${cipher[0]}${number}`;
          test.concurrent(`${row}, ${cipher}`, async () => {
            note(row, column, "FAIL");
            const hosts = (["lighthouse", "initiator", "responder"] as const).map((name) => ({
              name,
              implementation: fill[name],
              versions: set.versions[name],
            }));
            const [lighthouse, ...others] = hosts as [(typeof hosts)[0], ...typeof hosts];
            const mesh = await Mesh.create(cell, {
              cipher,
              authority: authority(),
              versions: [1],
              hosts: [lighthouse, ...others],
            });
            try {
              await proveCell(mesh);
              note(row, column, "ok");
            } finally {
              await mesh.close();
            }
          });
        }
      }
    });
  }
}

afterAll(() => {
  if (results.size > 0) process.stdout.write(`\n${formatMatrix(columns, results)}\n`);
});

async function proveCell(mesh: Mesh): Promise<void> {
  const initiator = mesh.host("initiator");
  const responder = mesh.host("responder");
  await mesh.startAll();
  await answers("after the start", initiator, responder);
  await answers("after the start", responder, initiator);
  await initiator.crashAndRestart();
  await answers("the initiator was killed and is back", responder, initiator);
  await answers("the initiator was killed and is back", initiator, responder);
  await responder.stopAndRestart();
  await answers("the responder was restarted", responder, initiator);
  await answers("the responder was restarted", initiator, responder);
}

async function answers(when: string, from: ReturnType<Mesh["host"]>, to: ReturnType<Mesh["host"]>): Promise<void> {
  const family6 = from.overlay6 !== undefined && to.overlay6 !== undefined;
  for (const address of [to.overlay4, ...(family6 ? [to.overlay6] : [])]) {
    const pinged = await from.ping(address);
    const logs = `${from.name}:\n${from.daemon.log()}\n${to.name}:\n${to.daemon.log()}`;
    expect(pinged.status, `${when}: ${from.name} pings ${to.name} at ${address}\n${pinged.stdout}\n${logs}`).toBe(0);
  }
}

/** All ways to fill the three places, the ones with Nebula alone first: they prove the test itself. */
function fillings(ours: Implementation, nebula: Implementation): readonly Record<Place, Implementation>[] {
  return Array.from({ length: 8 }, (_, bits) => ({
    initiator: bits & 1 ? ours : nebula,
    responder: bits & 2 ? ours : nebula,
    lighthouse: bits & 4 ? ours : nebula,
  }));
}

function prepareAuthority(
  tool: CertificateTool,
  label: string,
  { versions, curve }: (typeof SETS)[number],
): () => Authority {
  let authority: Authority | undefined;
  beforeAll(async () => {
    authority = await Authority.create(
      tool,
      `/run/lab/authority-${label}`,
      new Set(Object.values(versions).flat()),
      curve,
    );
  });
  return () => authority!;
}

function note(row: string, column: string, result: string): void {
  const cells = results.get(row) ?? new Map<string, string>();
  results.set(row, cells.set(column, result));
}
