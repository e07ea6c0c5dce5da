import type { WallTime } from "../../base/time.ts";
import { CaPool } from "../../cert/ca-pool.ts";
import type { Certificate, CertificateVersion } from "../../cert/certificate.ts";
import { type Credential, loadCredential } from "../../cert/credential.ts";
import { parseCertificates } from "../../cert/decode.ts";
import type { Identity } from "../../cert/identity.ts";
import type { CryptoSuite } from "../../crypto/suite.ts";
import type { Place } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { specOf } from "../schema/schema.ts";
import { isPkcs11, type PemKey, type PemTexts } from "./pem-reference.ts";
import type { ConfigReader } from "./reader.ts";

interface IdentityEnvironment {
  readonly suite: CryptoSuite;
  readonly wall: WallTime;
  /** Where to point when a key is missing. */
  readonly start: Place;
}

/** `pki`: undefined when something is wrong with it, which has then been reported. No message quotes a value of it. */
export function parseIdentity(
  reader: ConfigReader,
  pems: PemTexts,
  env: IdentityEnvironment,
  findings: Findings,
): Identity | undefined {
  const { live } = reader;
  const blocklist = live.texts("pki.blocklist").map((fingerprint) => fingerprint.toLowerCase());
  const disconnectInvalid = live.boolean("pki.disconnect_invalid");
  const report = new PkiReport(live, env.start, findings);
  for (const key of ["pki.ca", "pki.cert", "pki.key"] as const) report.checkGiven(key);
  const authorities = parsePem("pki.ca", pems, env.suite, report);
  const certificates = parsePem("pki.cert", pems, env.suite, report);
  const pool = authorities && loadPool(authorities, blocklist, env, report);
  if (!pool || !certificates || pems["pki.key"] === undefined) return undefined;
  const parts = { certificates, privateKeyPem: pems["pki.key"] };
  const credential = checkedCredential(parts, pool, env, report);
  if (!credential) return undefined;
  warnAboutPeersView(credential, pool, env, report);
  const initiatingVersion = parseInitiatingVersion(live, credential, report);
  return initiatingVersion && { credential, pool, disconnectInvalid, initiatingVersion };
}

/** Says what is wrong with a key of pki, at its place or, if it is missing, where the configuration begins. */
class PkiReport {
  readonly #reader: ConfigReader;
  readonly #start: Place;
  readonly #findings: Findings;

  constructor(reader: ConfigReader, start: Place, findings: Findings) {
    this.#reader = reader;
    this.#start = start;
    this.#findings = findings;
  }

  checkGiven(key: PemKey): void {
    const node = this.#reader.given(key)?.node;
    const type = specOf(key).type;
    const holds = type.kind === "pem" ? type.holds : "";
    if (!node && this.#findings.blame(key)) return;
    if (!node || (node.kind === "scalar" && node.text === "")) {
      this.#add("CONFIG_MISSING_KEY", key, "is missing", `write the path of the file with ${holds}`);
    } else if (node.kind !== "scalar") {
      this.#add(
        "CONFIG_TYPE",
        key,
        `a ${node.kind} where a path or PEM text belongs`,
        `write the path of the file with ${holds}`,
      );
    } else if (isPkcs11(node.text)) {
      this.#add("CONFIG_NOT_YET", key, "keys in a security module are known but not implemented yet", "use a key file");
    }
  }

  error(key: string, what: string, todo: string | undefined = WRITTEN_BY[key]): void {
    this.#add("CONFIG_IDENTITY", key, what, todo);
  }

  warn(key: string, what: string, todo?: string): void {
    this.#findings.warn({
      code: "CONFIG_IDENTITY",
      place: this.#placeOf(key),
      path: key,
      what,
      ...(todo ? { todo } : {}),
    });
  }

  notYet(key: string, what: string, todo: string): void {
    this.#add("CONFIG_NOT_YET", key, what, todo);
  }

  #add(
    code: "CONFIG_MISSING_KEY" | "CONFIG_TYPE" | "CONFIG_NOT_YET" | "CONFIG_IDENTITY",
    key: string,
    what: string,
    todo?: string,
  ): void {
    this.#findings.error({ code, place: this.#placeOf(key), path: key, what, ...(todo ? { todo } : {}) });
  }

  #placeOf(key: string): Place {
    return this.#reader.given(key)?.node.place ?? this.#start;
  }
}

function parsePem(
  key: "pki.ca" | "pki.cert",
  pems: PemTexts,
  suite: CryptoSuite,
  report: PkiReport,
): readonly Certificate[] | undefined {
  const text = pems[key];
  if (text === undefined) return undefined;
  const certificates = parseCertificates(text, suite);
  if (certificates.ok) return certificates.value;
  report.error(key, `cannot be read: ${certificates.reason}`);
  return undefined;
}

function loadPool(
  authorities: readonly Certificate[],
  blocklist: readonly string[],
  { suite, wall }: IdentityEnvironment,
  report: PkiReport,
): CaPool | undefined {
  const loaded = CaPool.load(suite, authorities, { blocklist, now: wall });
  if (!loaded.ok) {
    report.error("pki.ca", loaded.reason);
    return undefined;
  }
  for (const warning of loaded.value.warnings)
    report.warn(warning.includes("blocklist") ? "pki.blocklist" : "pki.ca", warning);
  return loaded.value.pool;
}

function checkedCredential(
  parts: { readonly certificates: readonly Certificate[]; readonly privateKeyPem: string },
  pool: CaPool,
  { suite, wall }: IdentityEnvironment,
  report: PkiReport,
): Credential | undefined {
  const foreign = parts.certificates.find(({ curve }) => !suite.agreement(curve));
  if (foreign) {
    const what = `certificates of curve ${foreign.curve} are known but not implemented yet`;
    report.notYet("pki.cert", what, "use one of CURVE25519");
    return undefined;
  }
  const credential = loadCredential(suite, parts, pool, wall);
  if (credential.ok) return credential.value;
  const { code, text } = credential.reason;
  report.error(KEY_REFUSALS.has(code) ? "pki.key" : "pki.cert", text, HINTS[code]);
  return undefined;
}

/** What peers with this host's own trust would say about it; it may still be right for peers with another. */
function warnAboutPeersView(
  credential: Credential,
  pool: CaPool,
  { wall }: IdentityEnvironment,
  report: PkiReport,
): void {
  for (const certificate of Object.values(credential.certificates)) {
    const verdict = pool.verify(certificate, wall);
    if (!verdict.ok)
      report.warn("pki.cert", `peers will refuse this host: ${verdict.reason.text}`, "check that pki.ca holds its CA");
  }
}

function parseInitiatingVersion(
  reader: ConfigReader,
  credential: Credential,
  report: PkiReport,
): CertificateVersion | undefined {
  if (!reader.given("pki.initiating_version")) return credential.certificates[1] ? 1 : 2;
  const written = reader.choice<"1" | "2" | "">("pki.initiating_version");
  if (written === "") return undefined;
  const version = written === "1" ? 1 : 2;
  if (credential.certificates[version]) return version;
  report.error(
    "pki.initiating_version",
    `is ${version}, but pki.cert holds no certificate of that version`,
    "remove it",
  );
  return undefined;
}

const KEY_REFUSALS: ReadonlySet<string> = new Set(["key-unreadable", "wrong-kind-of-key", "key-does-not-fit"]);

/** Where the right text comes from, for whoever gave another. */
const WRITTEN_BY: Readonly<Record<string, string>> = {
  "pki.ca": "give the authority's certificate, which lacis-cert ca writes (ca.crt)",
  "pki.cert": "give the host's certificate, which lacis-cert sign writes (NAME.crt)",
  "pki.key": "give the host's key, which lacis-cert sign writes (NAME.key)",
};

const HINTS: Readonly<Record<string, string>> = {
  expired: "sign a new one",
  "access-ended":
    "lacis leave removes this host; where the authority is, lacis invite NAME --debug ... lets it in again",
  "not-yet-valid": "is this machine's clock right?",
  "is-ca": "the CA certificate belongs into pki.ca",
  "key-does-not-fit": "check that pki.cert and pki.key are of the same host",
};
