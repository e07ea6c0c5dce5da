import { beforeAll, describe, expect, test } from "vitest";
import type { CertificateTool } from "../../netns/lab/certificate-tool.ts";
import { Authority } from "../../netns/lab/certificates.ts";
import { isInstalled } from "../../netns/lab/command.ts";
import { findNebula, type Implementation, LACIS } from "../../netns/lab/implementation.ts";
import { Mesh } from "../../netns/lab/mesh.ts";

/**
 * P-256 networks (Noise_IX_P256_*) with a released Nebula in every place in turn: the hosts find each other through the lighthouse and ping
 * both ways, and again after one of them was killed.
 */
const nebula = await findNebula("1.11");
const missing = [
  ...(nebula ? [] : ["Nebula 1.11 (scripts/fetch-peers)"]),
  ...((await isInstalled("ping")) ? [] : ["ping"]),
];
const SETS = [
  { cipher: "aes", versions: [1] },
  { cipher: "aes", versions: [2] },
  { cipher: "chachapoly", versions: [2] },
] as const;

for (const tool of [nebula?.certificates, LACIS.certificates].filter((tool) => tool !== undefined)) {
  describe(`P-256 certificates by ${tool.name}`, () => {
    if (missing.length > 0 || !nebula) {
      test.skip(`needs ${missing.join(" and ")}`, () => {});
      return;
    }
    const authority = prepareAuthority(tool);
    for (const [set, { cipher, versions }] of SETS.entries()) {
      for (const [row, [lighthouse, initiator, responder]] of placements(LACIS, nebula).entries()) {
        const title = [lighthouse, initiator, responder].map((each) => (each === LACIS ? "ours" : "nebula")).join(" ");
        test.concurrent(`scenario 47: ${title}, v${versions}, ${cipher}`, async () => {
          const label = `p${tool === LACIS.certificates ? "o" : "n"}${set}${row}`;
          const mesh = await Mesh.create(label, {
            cipher,
            authority: authority(),
            versions,
            hosts: [
              { name: `${label}-lighthouse`, implementation: lighthouse },
              { name: `${label}-initiator`, implementation: initiator },
              { name: `${label}-responder`, implementation: responder },
            ],
          });
          try {
            await mesh.startAll();
            const [a, b] = [mesh.host(`${label}-initiator`), mesh.host(`${label}-responder`)];
            await answers(a, b);
            await answers(b, a);
            await a.crashAndRestart();
            await answers(b, a);
            await answers(a, b);
          } finally {
            await mesh.close();
          }
        });
      }
    }
  });
}

async function answers(from: ReturnType<Mesh["host"]>, to: ReturnType<Mesh["host"]>): Promise<void> {
  const pinged = await from.ping(to.overlay4);
  const logs = `${from.name}:\n${from.daemon.log()}\n${to.name}:\n${to.daemon.log()}`;
  expect(pinged.status, `${from.name} pings ${to.name}\n${pinged.stdout}\n${logs}`).toBe(0);
}

/** Lighthouse, initiator, responder: the first row proves the test itself. */
function placements(
  ours: Implementation,
  theirs: Implementation,
): readonly (readonly [Implementation, Implementation, Implementation])[] {
  return [
    [theirs, theirs, theirs],
    [theirs, ours, theirs],
    [ours, theirs, ours],
    [ours, ours, ours],
  ];
}

function prepareAuthority(tool: CertificateTool): () => Authority {
  let authority: Authority | undefined;
  beforeAll(async () => {
    const directory = `/run/lab/authority-p256-${tool === LACIS.certificates ? "ours" : "theirs"}`;
    authority = await Authority.create(tool, directory, new Set([1, 2]), "P256");
  });
  return () => authority!;
}
