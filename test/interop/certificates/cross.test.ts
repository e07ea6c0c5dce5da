import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Authority,
  type Certificate,
  certificateToPem,
  generateHostKey,
  type HostRequest,
  inspect,
  issue,
  openAuthority,
  parsePrefix,
  readCertificates,
  toJson,
  verify,
  wallTime,
} from "../../../certs/index.ts";
import { encodeV1 } from "../../../src/core/cert/v1.ts";
import { encodeV2 } from "../../../src/core/cert/v2.ts";
import { otherSignatureForm } from "../../../src/core/crypto/ecdsa-signature.ts";
import { findNebula } from "../../netns/lab/implementation.ts";

/**
 * Generated certificates, at the limits of what they may say, judged by both: made by ours and verified by nebula-cert, requested of both with the
 * same flags, made by nebula-cert and verified by ours. Good ones and ones that must be refused: 1,000 in each direction, or LACIS_CROSS_COUNT.
 * LACIS_CROSS_SEED repeats a run.
 */
process.env["TZ"] = "UTC";
const COUNT = Number(process.env["LACIS_CROSS_COUNT"] ?? 1000);
const SEED = Number(process.env["LACIS_CROSS_SEED"] ?? Date.now() % 1_000_000);
const KINDS = [
  { release: "1.6", version: 1, curve: "CURVE25519" },
  { release: "1.11", version: 1, curve: "CURVE25519" },
  { release: "1.11", version: 2, curve: "CURVE25519" },
  { release: "1.11", version: 1, curve: "P256" },
  { release: "1.11", version: 2, curve: "P256" },
] as const;
const EACH = Math.ceil(COUNT / KINDS.length);
const AT_ONCE = 4;
const DAY = 86_400n;

for (const { release, version, curve } of KINDS) {
  const nebula = await findNebula(release);
  const title = `${EACH} certificates of version ${version} on ${curve}, seed ${SEED}, with nebula-cert ${release}`;
  describe.skipIf(!nebula)(title, { timeout: 1_200_000 }, () => {
    let seconds = 0n;
    let directory = "";
    let limited: Authority;
    let free: Authority;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "lacis-cross-"));
      limited = await authority("limited", {
        groups: ALLOWED.groups.join(","),
        [release === "1.6" ? "ips" : "networks"]: ALLOWED.networks(version).join(","),
        [release === "1.6" ? "subnets" : "unsafe-networks"]: ALLOWED.unsafe(version).join(","),
      });
      free = await authority("free", {});
      // The younger authority's first second: both are valid from there on.
      seconds = free.certificate.notBefore;
    });
    afterAll(() => rm(directory, { recursive: true, force: true }));

    test("made by ours: both accept the same", async () => {
      const drawn = fc.sample(fc.tuple(content(version), fc.constantFrom(...flaws(curve))), {
        numRuns: EACH,
        seed: SEED,
      });
      const disagreements: string[] = [];
      let accepted = 0;
      await inParallel(drawn, async ([said, flaw], i) => {
        const { by, certificate } = make(said, flaw);
        const judge = flaw === "another authority" ? (by === free ? limited : free) : by;
        const verdicts = verify([certificate], { certificates: [judge.certificate], file: "ca" }, clock());
        const ours = verdicts.ok && verdicts.value[0]!.ok;
        const file = join(directory, `ours-${i}.crt`);
        await writeFile(file, certificateToPem(certificate));
        const ca = join(directory, judge === free ? "free.crt" : "limited.crt");
        const theirs = (await nebulaCert("verify", { ca, crt: file })).status === 0;
        if (ours) accepted++;
        if (ours !== theirs)
          disagreements.push(`${flaw}: ours ${ours}, theirs ${theirs}: ${certificateToPem(certificate)}`);
        await rm(file);
      });
      expect(disagreements).toEqual([]);
      // Both sides of the question are asked.
      expect(accepted).toBeGreaterThan(EACH / 20);
      expect(accepted).toBeLessThan(EACH);
    });

    test("made by nebula-cert: what it signs ours would have signed and accepts, what it refuses ours refuses", async () => {
      const drawn = fc.sample(fc.tuple(content(version), fc.boolean()), { numRuns: EACH, seed: SEED + 1 });
      const disagreements: string[] = [];
      let signed = 0;
      await inParallel(drawn, async ([said, isLimited], i) => {
        const by = isLimited ? limited : free;
        const file = join(directory, `theirs-${i}`);
        const theirs = await nebulaCert("sign", {
          "ca-crt": join(directory, isLimited ? "limited.crt" : "free.crt"),
          "ca-key": join(directory, isLimited ? "limited.key" : "free.key"),
          name: said.name,
          [release === "1.6" ? "ip" : "networks"]: said.networks.join(","),
          ...(said.unsafe.length > 0 && { [release === "1.6" ? "subnets" : "unsafe-networks"]: said.unsafe.join(",") }),
          ...(said.groups.length > 0 && { groups: said.groups.join(",") }),
          ...(release === "1.6" ? {} : { version: `${version}` }),
          duration: said.duration,
          "out-crt": `${file}.crt`,
          "out-key": `${file}.key`,
        });
        const hours = BigInt(said.duration.slice(0, -1));
        const ours = issue(by, { ...requestOf(said), notBefore: seconds, notAfter: seconds + hours * 3600n });
        if ((theirs.status === 0) !== ours.ok) {
          disagreements.push(
            `ours ${JSON.stringify(ours.ok || ours.reason)}, theirs ${theirs.status} ${theirs.stderr}: ${JSON.stringify(said)}`,
          );
        }
        if (theirs.status !== 0) return;
        signed++;
        const certificates = readCertificates(await readFile(`${file}.crt`, "utf8"), file);
        if (!certificates.ok) {
          disagreements.push(`ours cannot read it: ${certificates.reason.why}: ${JSON.stringify(said)}`);
          return;
        }
        const verdicts = verify(certificates.value, { certificates: [by.certificate], file: "ca" }, clock());
        if (!verdicts.ok || !verdicts.value[0]!.ok)
          disagreements.push(`ours refuses: ${JSON.stringify([verdicts, said])}`);
        const theirPrint = await nebulaCert("print", { path: `${file}.crt`, json: true });
        const ourPrint = toJson(certificates.value.map(inspect));
        if (release !== "1.6" && theirPrint.stdout !== `${ourPrint}\n`)
          disagreements.push(`printed differently: ${ourPrint} ${theirPrint.stdout}`);
      });
      expect(disagreements).toEqual([]);
      expect(signed).toBeGreaterThan(EACH / 20);
    });

    /** An authority by nebula-cert, opened by ours. */
    async function authority(name: string, flags: Readonly<Record<string, string>>): Promise<Authority> {
      const [crt, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
      const made = await nebulaCert("ca", {
        name,
        "out-crt": crt,
        "out-key": key,
        duration: "2400h",
        ...flags,
        ...(release === "1.6" ? {} : { version: `${version}`, curve: curve === "P256" ? "P256" : "25519" }),
      });
      if (made.status !== 0) throw new Error(made.stderr);
      const files = {
        certificatePem: await readFile(crt, "utf8"),
        certificateFile: crt,
        keyPem: await readFile(key, "utf8"),
        keyFile: key,
      };
      const opened = openAuthority(files, clock());
      if (!opened.ok) throw new Error(JSON.stringify(opened.reason));
      return opened.value;
    }

    function requestOf({ name, networks, unsafe, groups }: Content): Omit<HostRequest, "notBefore"> {
      const prefixes = (list: readonly string[]) => list.map((text) => parsePrefix(text)!);
      const { publicKey } = KEYS[curve];
      return {
        name,
        version,
        curve,
        publicKey,
        networks: prefixes(networks),
        unsafeNetworks: prefixes(unsafe),
        groups,
      };
    }

    /** A certificate with a flaw, by an authority that does not look at its own limits. */
    function make(said: Content, flaw: Flaw): { readonly by: Authority; readonly certificate: Certificate } {
      const by = flaw === "beyond its authority" ? limited : free;
      const blind = { groups: [], networks: [], unsafeNetworks: [], notBefore: -(2n ** 40n), notAfter: 2n ** 40n };
      const reckless = { ...by, certificate: { ...by.certificate, ...blind } };
      const times: Partial<Record<Flaw, readonly [bigint, bigint]>> = {
        expired: [seconds - 60n, seconds - 5n],
        "not yet valid": [seconds + DAY, seconds + 2n * DAY],
        "older than its authority": [seconds - DAY, seconds + DAY],
        "longer than its authority": [seconds, seconds + 200n * DAY],
      };
      const [notBefore, notAfter] = times[flaw] ?? [seconds, seconds + DAY];
      const issued = issue(reckless, { ...requestOf(said), notBefore, notAfter });
      if (!issued.ok) throw new Error(`${JSON.stringify(issued.reason)}: ${JSON.stringify(said)}`);
      return { by, certificate: flawed(issued.value, flaw) };
    }

    function nebulaCert(verb: string, flags: Readonly<Record<string, string | true>>) {
      const args = Object.entries(flags).flatMap(([flag, value]) =>
        value === true ? [`-${flag}`] : [`-${flag}=${value}`],
      );
      return nebula!.certificates.run([verb, ...args], { environment: { TZ: "UTC" } });
    }

    function clock() {
      return wallTime(BigInt(Date.now()) * 1_000_000n);
    }
  });
}

/** What the limited authority signs for. */
const ALLOWED = {
  groups: ["servers", "laptops", "ünïcode"],
  networks: (version: 1 | 2) => ["10.77.0.0/16", ...(version === 2 ? ["fd77::/32"] : [])],
  unsafe: (version: 1 | 2) => ["192.168.0.0/16", ...(version === 2 ? ["2001:db8::/32"] : [])],
};

const KEYS = { CURVE25519: generateHostKey("CURVE25519"), P256: generateHostKey("P256") };

/** What a host's certificate says, as text for the flags of either tool. */
interface Content {
  readonly name: string;
  readonly networks: readonly string[];
  readonly unsafe: readonly string[];
  readonly groups: readonly string[];
  readonly duration: string;
}

/** Names, groups and networks that both tools can say, at and around their limits. */
function content(version: 1 | 2): fc.Arbitrary<Content> {
  const word = fc.oneof(
    fc.constantFrom("a", "x".repeat(253), "<&>\u2028", "Ünï-çødé", "host.example", "ж".repeat(126), "😀"),
    fc
      .string({ minLength: 1, maxLength: 40 })
      .map(cleaned)
      .filter((text) => text !== ""),
  );
  const group = fc.oneof(fc.constantFrom("servers", "laptops", "ünïcode", "Servers", "g".repeat(1000)), word);
  const v4 = fc.oneof(
    fc
      .tuple(fc.nat(255), fc.nat(254), fc.integer({ min: 16, max: 32 }))
      .map(([a, b, bits]) => `10.77.${a}.${b + 1}/${bits}`),
    fc.constantFrom("10.77.0.1/0", "255.255.255.255/32", "1.2.3.4/1", "10.78.0.1/16", "10.77.0.1/15", "127.0.0.1/8"),
  );
  const v6 = fc.oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 32, max: 128 }))
      .map(([a, bits]) => `fd77::${a.toString(16)}/${bits}`),
    fc.constantFrom("fd78::1/64", "2001:db8::1/0", "::1/128", "fe80::1/64"),
  );
  const unsafeV4 = fc.oneof(
    fc.tuple(fc.nat(255), fc.integer({ min: 16, max: 32 })).map(([a, bits]) => `192.168.${a}.0/${bits}`),
    fc.constantFrom("0.0.0.0/0", "172.16.0.0/12", "192.0.0.0/8"),
  );
  const unsafeV6 = fc.constantFrom("::/0", "2001:db8:1::/48", "fd00::/8");
  const unique = (list: fc.Arbitrary<string>, minLength: number, maxLength: number) =>
    fc.uniqueArray(list, { minLength, maxLength });
  const networks =
    version === 1
      ? v4.map((one) => [one])
      : fc
          .tuple(unique(v4, 0, 20), unique(v6, 0, 20))
          .map(([four, six]) => [...four, ...six])
          .filter((all) => all.length > 0);
  return fc
    .record({
      name: word,
      networks,
      unsafe: fc.tuple(unique(unsafeV4, 0, 4), unique(unsafeV6, 0, version === 1 ? 0 : 2)).map((lists) => lists.flat()),
      groups: fc.oneof(unique(group, 0, 4), fc.constant(Array.from({ length: 256 }, (_, i) => `group-${i}`))),
      duration: fc.constantFrom("1h", "24h", "2399h", "2401h"),
    })
    .map((said) => ({
      ...said,
      unsafe: said.unsafe.filter(
        (prefix) => version === 1 || said.networks.some((one) => one.includes(":") === prefix.includes(":")),
      ),
    }));
}

/** What a command line can carry between commas: no comma, no white space at the ends, nothing that is not text. */
function cleaned(text: string): string {
  return text.replace(/[\0,]/g, "").trim();
}

type Flaw =
  | "none"
  | "beyond its authority"
  | "another authority"
  | "expired"
  | "not yet valid"
  | "older than its authority"
  | "longer than its authority"
  | "another signature"
  | "another detail"
  | "another key"
  | "other form of the signature";

function flaws(curve: "CURVE25519" | "P256"): readonly Flaw[] {
  const all: readonly Flaw[] = [
    "none",
    "none",
    "none",
    "beyond its authority",
    "beyond its authority",
    "another authority",
    "expired",
    "not yet valid",
    "older than its authority",
    "longer than its authority",
    "another signature",
    "another detail",
    "another key",
  ];
  return curve === "P256" ? [...all, "other form of the signature"] : all;
}

/** The certificate with something changed after it was signed. */
function flawed(certificate: Certificate, flaw: Flaw): Certificate {
  const { details, curve, publicKey, signature } = certificate;
  const turned = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const encode = (parts: {
    readonly details?: Uint8Array;
    readonly signature?: Uint8Array;
    readonly publicKey?: Uint8Array;
  }) => {
    const whole = { details, curve, publicKey, signature, ...parts };
    const encoded = certificate.version === 1 ? encodeV1(whole.details, whole.signature) : encodeV2(whole);
    const decoded = readCertificates(certificateToPem({ ...certificate, encoded }), flaw);
    return decoded.ok ? decoded.value[0]! : { ...certificate, ...parts, encoded };
  };
  switch (flaw) {
    case "another signature":
      return encode({ signature: turned(signature, signature.length - 1) });
    case "another detail":
      return encode({ details: turned(details, details.length - 40) });
    case "another key":
      return encode(
        certificate.version === 1
          ? { details: turned(details, details.length - 60) }
          : { publicKey: KEYS[curve].publicKey.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) },
      );
    case "other form of the signature":
      return encode({ signature: otherSignatureForm(signature)! });
    default:
      return certificate;
  }
}

async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await work(items[i]!, i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
