import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { PeerReport } from "../../../src/admin/status-report.ts";
import { mustMake } from "../../netns/lab/certificate-tool.ts";
import { LACIS } from "../../netns/lab/implementation.ts";
import type { MeshHost } from "../../netns/lab/mesh.ts";
import { pause, waitFor } from "../../netns/lab/wait.ts";
import { peerOf } from "../../netns/status-of.ts";
import { answers, isOurs, knows, lostOf, type Pair, scenario } from "./pair.ts";

const statics = { a: { config: knows(3) }, b: { config: knows(2) } };

describe("certificates change under traffic", () => {
  const renewed = (side: "a" | "b") => async (pair: Pair) => {
    const { a, b } = pair;
    await answers(a, b);
    const [changed, other] = side === "a" ? [a, b] : [b, a];
    const lost = await lostOf(100, a, b, async () => {
      await renew(pair, changed, { groups: ["renewed"] });
      if (isOurs(other)) await becomes(other, changed, (seen) => JSON.stringify(seen?.groups) === '["renewed"]');
    });
    expect(lost).toBe(0);
  };
  scenario(16, "a renewed certificate of whoever called reaches the other, and no ping is lost", statics, renewed("a"));
  scenario(
    17,
    "a renewed certificate of whoever was called reaches the other, and no ping is lost",
    statics,
    renewed("b"),
  );

  scenario(
    19,
    "a host with a v1 certificate gets a v2 one beside it, and its peer sees that within ten seconds",
    { a: { ...statics.a, versions: [1] }, b: { ...statics.b, versions: [1, 2] }, versions: [1, 2] },
    async (pair) => {
      const { a, b } = pair;
      await answers(a, b);
      const lost = await lostOf(120, a, b, async () => {
        await renew(pair, a, { versions: [1, 2], more: { pki: { initiating_version: 2 } } });
        if (isOurs(b)) await becomes(b, a, hasVersion(2));
      });
      expect(lost).toBe(0);
    },
  );

  scenario(
    20,
    "a host with a v2 certificate goes back to a v1 one, and its peer sees that within ten seconds",
    {
      a: { ...statics.a, overlay: ["10.77.0.2/24"], versions: [2] },
      b: { ...statics.b, versions: [1, 2] },
      versions: [1, 2],
    },
    async (pair) => {
      const { a, b } = pair;
      await answers(a, b);
      const lost = await lostOf(120, a, b, async () => {
        await renew(pair, a, { versions: [1] });
        if (isOurs(b)) await becomes(b, a, hasVersion(1));
      });
      expect(lost).toBe(0);
    },
  );

  scenario(
    21,
    "a host with a v2 certificate only and one with both settle on v2",
    { a: { ...statics.a, versions: [1, 2] }, b: { ...statics.b, versions: [2] }, versions: [1, 2] },
    async ({ a, b }) => {
      await answers(a, b);
      const lost = await lostOf(120, a, b, async () => {
        if (isOurs(b)) await becomes(b, a, hasVersion(2));
      });
      // A packet may meet the session that is just being replaced.
      expect(lost).toBeLessThanOrEqual(5);
    },
  );

  scenario(
    59,
    "an expired authority beside a valid one is told of, and no reason not to start",
    { ...statics, idle: true },
    async ({ a, b }) => {
      for (const { config } of [a, b]) {
        const [certificate, key] = [join(config.directory, "old.crt"), join(config.directory, "old.key")];
        await mustMake(LACIS.certificates, [
          "ca",
          "-name",
          "old",
          "-duration",
          "1s",
          "-out-crt",
          certificate,
          "-out-key",
          key,
        ]);
        await appendFile(join(config.directory, "ca.crt"), await readFile(certificate));
      }
      await pause(1_500);
      await Promise.all([a.start(), b.start()]);
      await answers(a, b);
      for (const host of [a, b]) expect(host.daemon.log()).toMatch(/expired/i);
    },
  );
});

/** Gives a host another certificate and tells it so. */
async function renew(
  { authority }: Pair,
  host: MeshHost,
  change: {
    readonly groups?: readonly string[];
    readonly versions?: readonly (1 | 2)[];
    readonly more?: Record<string, unknown>;
  },
): Promise<void> {
  const overlay = [
    `${host.overlay4}/24`,
    ...(host.overlay6 && change.versions === undefined ? [`${host.overlay6}/64`] : []),
  ];
  await authority.renew({ name: host.name, overlay, groups: change.groups ?? [] }, change.versions ?? [2]);
  await host.configure({ more: change.more ?? {} });
  host.daemon.signal("SIGHUP");
}

async function becomes(host: MeshHost, peer: MeshHost, test: (seen: PeerReport | undefined) => boolean): Promise<void> {
  const condition = async (): Promise<boolean> => test(await peerOf(host, peer));
  await waitFor(`what ${host.name} knows of ${peer.name}`, condition, { withinMs: 10_000, everyMs: 200 });
}

function hasVersion(version: number) {
  return (peer: PeerReport | undefined): boolean => peer?.certificate?.versions[0] === version;
}
