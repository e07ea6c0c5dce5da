import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  certificateToPem,
  generateHostKey,
  issue,
  openAuthority,
  parsePrefix,
  wallTime,
} from "../../../certs/index.ts";
import type { CommandResult } from "../../netns/lab/command.ts";
import { findNebula, LACIS } from "../../netns/lab/implementation.ts";
import { authorityOf, hostRequest } from "../../property/arbitraries.ts";

/**
 * lacis-cert and a released nebula-cert, each judging what the other made: keys, authorities, certificates that are good and certificates
 * that must be refused, and what both print about them.
 */
const RELEASES = [
  { release: "1.6", versions: [1], curves: ["25519"] },
  { release: "1.11", versions: [1, 2], curves: ["25519", "P256"] },
] as const;

for (const { release, versions, curves } of RELEASES) {
  const nebula = await findNebula(release);
  for (const version of versions) {
    for (const curve of curves) {
      describe.skipIf(!nebula)(`certificates of version ${version} on ${curve}, with nebula-cert ${release}`, () => {
        let directory = "";
        let ours: Tool;
        let theirs: Tool;

        beforeAll(async () => {
          directory = await mkdtemp(join(tmpdir(), "lacis-certificates-"));
          const flags = { version, curve, directory };
          ours = new Tool(LACIS.certificates, flags);
          theirs = new Tool(nebula!.certificates, flags);
          for (const tool of [ours, theirs]) {
            await tool.must("ca", {
              name: `a <mesh> & more, by ${tool.short}`,
              "out-crt": `ca-${tool.short}.crt`,
              "out-key": `ca-${tool.short}.key`,
              [tool.networksFlag("ca")]: version === 1 ? "10.77.0.0/16" : "10.77.0.0/16,fd00:77::/32",
              [tool.unsafeNetworksFlag]: "192.168.0.0/16",
              groups: "servers,laptops",
              duration: "240h",
            });
          }
        });
        afterAll(() => rm(directory, { recursive: true, force: true }));

        test.each(["ours", "theirs"] as const)(
          "scenario 63: what %s issues is accepted by both, whoever's authority it is",
          async (side) => {
            const maker = side === "ours" ? ours : theirs;
            for (const authority of [ours, theirs]) {
              const name = `host-${maker.short}-under-${authority.short}`;
              await maker.must("sign", {
                name,
                [maker.networksFlag("sign")]: version === 1 ? "10.77.1.2/16" : "fd00:77::2/64,10.77.1.2/16",
                [maker.unsafeNetworksFlag]: "192.168.50.0/24",
                groups: "servers",
                "ca-crt": `ca-${authority.short}.crt`,
                "ca-key": `ca-${authority.short}.key`,
                "out-crt": `${name}.crt`,
                "out-key": `${name}.key`,
              });
              for (const judge of [ours, theirs]) {
                const verdict = await judge.call("verify", { ca: `ca-${authority.short}.crt`, crt: `${name}.crt` });
                expect(verdict.status, `${judge.short} on ${name}: ${verdict.stderr}`).toBe(0);
                const wrong = authority === ours ? theirs : ours;
                const refusal = await judge.call("verify", { ca: `ca-${wrong.short}.crt`, crt: `${name}.crt` });
                expect(refusal.status, `${judge.short} on ${name} under the wrong authority`).toBe(1);
              }
            }
          },
        );

        test("a key that one tool makes is signed by the other", async () => {
          for (const [maker, signer] of [
            [ours, theirs],
            [theirs, ours],
          ] as const) {
            const name = `key-by-${maker.short}`;
            await maker.must("keygen", { "out-key": `${name}.key`, "out-pub": `${name}.pub` });
            await signer.must("sign", {
              name,
              [signer.networksFlag("sign")]: "10.77.9.9/16",
              "in-pub": `${name}.pub`,
              "ca-crt": "ca-lacis.crt",
              "ca-key": "ca-lacis.key",
              "out-crt": `${name}.crt`,
            });
            for (const judge of [ours, theirs]) await judge.must("verify", { ca: "ca-lacis.crt", crt: `${name}.crt` });
          }
        });

        test.skipIf(release === "1.6")("both print the same, byte for byte, in any time zone", async () => {
          for (const zone of ["UTC", "America/St_Johns"]) {
            for (const file of [
              "ca-lacis.crt",
              "ca-nebula.crt",
              "host-lacis-under-nebula.crt",
              "host-nebula-under-lacis.crt",
            ]) {
              for (const flags of [{ path: file }, { path: file, json: true as const }]) {
                const [mine, reference] = [
                  await ours.must("print", flags, zone),
                  await theirs.must("print", flags, zone),
                ];
                expect(mine.stdout).toBe(reference.stdout);
              }
            }
          }
        });

        test.skipIf(release === "1.6")(
          "a hundred certificates at random are read and accepted by both alike",
          async () => {
            const authority = authorityOf(version, curve === "P256" ? "P256" : "CURVE25519");
            const requests = fc.sample(hostRequest(version, authority.certificate.curve), { numRuns: 100, seed: 7 });
            const made = requests.map((request) => issue(authority, request));
            const pem = made.map((issued) => (issued.ok ? certificateToPem(issued.value) : ""));
            expect(pem).not.toContain("");
            await writeFile(join(directory, "hundred.crt"), pem.join(""));
            await writeFile(join(directory, "hundred-ca.crt"), certificateToPem(authority.certificate));
            const flags = { path: "hundred.crt", json: true as const };
            expect((await ours.must("print", flags)).stdout).toBe((await theirs.must("print", flags)).stdout);
            for (const judge of [ours, theirs]) {
              const verdict = await judge.call("verify", { ca: "hundred-ca.crt", crt: "hundred.crt" });
              expect(verdict.status, verdict.stderr).toBe(0);
            }
          },
        );

        test("both refuse to sign what the authority may not sign", async () => {
          const beyond: Record<string, Record<string, string>> = {
            group: { groups: "servers,strangers" },
            network: { networks: "10.78.1.3/16" },
            "wider network": { networks: "10.77.1.3/15" },
            "unsafe network": { unsafe: "172.16.0.0/12" },
            lifetime: { duration: "9999h" },
          };
          for (const [what, flags] of Object.entries(beyond)) {
            for (const tool of [ours, theirs]) {
              const { networks = "10.77.1.3/16", unsafe, ...rest } = flags;
              const verdict = await tool.call("sign", {
                ...rest,
                name: "refused",
                [tool.networksFlag("sign")]: networks,
                ...(unsafe ? { [tool.unsafeNetworksFlag]: unsafe } : {}),
                "ca-crt": "ca-lacis.crt",
                "ca-key": "ca-lacis.key",
                "out-crt": "refused.crt",
                "out-key": "refused.key",
              });
              expect(verdict.status, `${tool.short}, ${what}`).toBe(1);
            }
          }
        });

        test("both agree on certificates that go beyond their authority or have been changed", async () => {
          const authority = await openOurs(directory);
          const { curve: keyCurve, publicKey } = generateHostKey(authority.certificate.curve);
          const seconds = BigInt(Math.floor(Date.now() / 1000));
          // The same key and issuer, without the limits that our own issuer would hold itself to.
          const limitless = { groups: [], networks: [], unsafeNetworks: [], notBefore: seconds - 1000n };
          const reckless = { ...authority, certificate: { ...authority.certificate, ...limitless } };
          const request = {
            name: "judged",
            version,
            curve: keyCurve,
            publicKey,
            notBefore: seconds,
          } as const;
          const network = (text: string) => [parsePrefix(text)!];
          const cases = {
            good: { networks: network("10.77.4.4/16"), groups: ["servers"] },
            "foreign group": { networks: network("10.77.4.4/16"), groups: ["strangers"] },
            "foreign network": { networks: network("10.99.4.4/16") },
            "wider network": { networks: network("10.77.4.4/15") },
            "foreign unsafe network": { networks: network("10.77.4.4/16"), unsafeNetworks: network("172.16.0.0/12") },
            expired: { networks: network("10.77.4.4/16"), notBefore: seconds - 20n, notAfter: seconds - 10n },
            "not yet valid": { networks: network("10.77.4.4/16"), notBefore: seconds + 100n },
          };
          for (const [what, content] of Object.entries(cases)) {
            const issued = issue(reckless, { ...request, ...content });
            if (!issued.ok) throw new Error(JSON.stringify(issued.reason));
            const file = join(directory, `judged-${what.replaceAll(" ", "-")}.crt`);
            await writeFile(file, certificateToPem(issued.value));
            for (const judge of [ours, theirs]) {
              const verdict = await judge.call("verify", { ca: "ca-lacis.crt", crt: file });
              expect(verdict.status, `${judge.short}, ${what}: ${verdict.stdout}`).toBe(what === "good" ? 0 : 1);
            }
            const changed = issued.value.encoded.slice();
            const at = changed.length - 1;
            changed[at] = (changed[at] ?? 0) ^ 1;
            await writeFile(file, certificateToPem({ ...issued.value, encoded: changed }));
            for (const judge of [ours, theirs]) {
              expect(
                (await judge.call("verify", { ca: "ca-lacis.crt", crt: file })).status,
                `${judge.short}, ${what}`,
              ).toBe(1);
            }
          }
        });
      });
    }
  }
}

interface ToolFlags {
  readonly version: 1 | 2;
  readonly curve: string;
  readonly directory: string;
}

/** One of the two tools, with the spellings its release knows. */
class Tool {
  readonly short: "lacis" | "nebula";
  readonly #implementation: typeof LACIS.certificates;
  readonly #flags: ToolFlags;

  constructor(implementation: typeof LACIS.certificates, flags: ToolFlags) {
    this.short = implementation.name.startsWith("lacis") ? "lacis" : "nebula";
    this.#implementation = implementation;
    this.#flags = flags;
  }

  networksFlag(verb: "ca" | "sign"): string {
    return this.#implementation.knowsVersions ? "networks" : verb === "ca" ? "ips" : "ip";
  }

  get unsafeNetworksFlag(): string {
    return this.#implementation.knowsVersions ? "unsafe-networks" : "subnets";
  }

  call(verb: string, flags: Readonly<Record<string, string | true>>, zone = "UTC"): Promise<CommandResult> {
    const { version, curve, directory } = this.#flags;
    const all: Record<string, string | true> = { ...flags };
    if (this.#implementation.knowsVersions) {
      if (verb === "ca" || verb === "sign") all["version"] = String(version);
      if (verb === "ca" || verb === "keygen") all["curve"] = curve;
    }
    const args = Object.entries(all).flatMap(([name, value]) => (value === true ? [`-${name}`] : [`-${name}`, value]));
    return this.#implementation.run([verb, ...args], { directory, environment: { TZ: zone } });
  }

  async must(verb: string, flags: Readonly<Record<string, string | true>>, zone?: string): Promise<CommandResult> {
    const result = await this.call(verb, flags, zone);
    if (result.status !== 0) throw new Error(`${this.short} ${verb} ${JSON.stringify(flags)}: ${result.stderr}`);
    return result;
  }
}

async function openOurs(directory: string) {
  const files = {
    certificatePem: await readFile(join(directory, "ca-lacis.crt"), "utf8"),
    certificateFile: "ca-lacis.crt",
    keyPem: await readFile(join(directory, "ca-lacis.key"), "utf8"),
    keyFile: "ca-lacis.key",
  };
  const authority = openAuthority(files, wallTime(BigInt(Date.now()) * 1_000_000n));
  if (!authority.ok) throw new Error(JSON.stringify(authority.reason));
  return authority.value;
}
