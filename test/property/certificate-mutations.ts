import {
  type Authority,
  type Certificate,
  certificateToPem,
  createAuthority,
  generateHostKey,
  issue,
  parsePrefix,
} from "../../certs/index.ts";
import { equalBytes } from "../../src/core/base/bytes.ts";
import { wallTime } from "../../src/core/base/time.ts";
import { CaPool } from "../../src/core/cert/ca-pool.ts";
import { decodeCertificate, fingerprintsOf, parseCertificates } from "../../src/core/cert/decode.ts";
import { fromHandshakeForm, toHandshakeForm } from "../../src/core/cert/handshake-form.ts";
import { otherSignatureForm } from "../../src/core/crypto/ecdsa-signature.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";

/** What a run of mutations came to. `accepted` ones say exactly what the original said, or are its other form on P-256. */
export interface MutationReport {
  readonly mutations: number;
  readonly accepted: number;
  readonly decoded: number;
}

const NOW = 1_795_176_000n;

/**
 * Changes good certificates - their bytes, their handshake form, their PEM text - in random ways, and throws when one is accepted that a byte-exact
 * reader would refuse, or when one that is accepted is not blocked together with the original. Repeatable by its seed.
 */
export function mutateCertificates(count: number, seed: number): MutationReport {
  const random = generator(seed);
  const targets = ([1, 2] as const).flatMap((version) =>
    (["CURVE25519", "P256"] as const).map((curve) => new Target(version, curve)),
  );
  let accepted = 0;
  let decoded = 0;
  for (let i = 0; i < count; i++) {
    const outcome = targets[i % targets.length]!.attack(random);
    if (outcome !== "unreadable") decoded++;
    if (outcome === "accepted") accepted++;
  }
  return { mutations: count, accepted, decoded };
}

class Target {
  readonly #certificate: Certificate;
  readonly #twin: Certificate | undefined;
  readonly #pem: string;
  readonly #form: Uint8Array;
  readonly #pool: CaPool;
  readonly #blocked: CaPool;

  constructor(version: 1 | 2, curve: "CURVE25519" | "P256") {
    const authority = good(
      createAuthority({ name: "ca", version, curve, notBefore: NOW - 1000n, notAfter: NOW + 1000n }),
    ).authority;
    this.#certificate = hostOf(authority);
    this.#pem = certificateToPem(this.#certificate);
    this.#form = toHandshakeForm(this.#certificate);
    this.#pool = poolOf(authority, []);
    this.#blocked = poolOf(authority, [this.#certificate.fingerprint]);
    const signature = curve === "P256" ? otherSignatureForm(this.#certificate.signature) : undefined;
    this.#twin = signature && this.#decodeForm(toHandshakeForm({ ...this.#certificate, signature }));
  }

  attack(random: () => number): "unreadable" | "refused" | "accepted" {
    const received = this.#received(random);
    if (!received) return "unreadable";
    if (!this.#pool.verify(received, at()).ok) return "refused";
    const same = [this.#certificate, this.#twin].some((known) => known && equalBytes(known.encoded, received.encoded));
    if (!same)
      throw new Error(`accepted, and is another certificate: ${Buffer.from(received.encoded).toString("hex")}`);
    if (this.#blocked.verify(received, at()).ok) {
      throw new Error(`accepted, and not blocked: ${Buffer.from(received.encoded).toString("hex")}`);
    }
    if (!fingerprintsOf(nodeSuite, received).includes(this.#certificate.fingerprint)) {
      throw new Error("accepted, and under fingerprints of its own");
    }
    return "accepted";
  }

  /** The certificate by one of the three ways that it may come, changed on the way. */
  #received(random: () => number): Certificate | undefined {
    const way = random() % 8;
    if (way === 0) {
      const text = Buffer.from(changed(Buffer.from(this.#pem), random)).toString("latin1");
      const parsed = parseCertificates(text, nodeSuite);
      return parsed.ok ? parsed.value[0] : undefined;
    }
    if (way < 4) return this.#decodeForm(changed(this.#form, random));
    const source = this.#twin && way === 7 ? this.#twin : this.#certificate;
    const decoded = decodeCertificate(nodeSuite, source.version, changed(source.encoded, random));
    return decoded.ok ? decoded.value : undefined;
  }

  #decodeForm(bytes: Uint8Array): Certificate | undefined {
    const { version, curve, publicKey } = this.#certificate;
    const decoded = fromHandshakeForm(nodeSuite, { bytes, version, curve, publicKey });
    return decoded.ok ? decoded.value : undefined;
  }
}

function changed(bytes: Uint8Array, random: () => number): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let steps = 1 + (random() % 3); steps > 0; steps--) result = step(result, random);
  return result;
}

function step(bytes: Uint8Array<ArrayBuffer>, random: () => number): Uint8Array<ArrayBuffer> {
  const at = random() % Math.max(bytes.length, 1);
  const value = random() & 0xff;
  switch (random() % 9) {
    case 0:
      return bytes.map((byte, i) => (i === at ? value : byte));
    case 1:
      return bytes.slice(0, at);
    case 2:
      return Uint8Array.of(...bytes.subarray(0, at), value, ...bytes.subarray(at));
    case 3:
      return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1));
    case 4:
      // A stretch twice: doubled fields, lists that grow.
      return Uint8Array.of(...bytes.subarray(0, at + (value & 63)), ...bytes.subarray(at));
    case 5:
      // A varint with a needless byte, a DER length in a longer form.
      return Uint8Array.of(...bytes.subarray(0, at), (bytes[at] ?? 0) | 0x80, 0, ...bytes.subarray(at + 1));
    case 6:
      return Uint8Array.of(...bytes.subarray(0, at), 0x81, ...bytes.subarray(at));
    case 7:
      return Uint8Array.of(...bytes, ...bytes.subarray(at, at + (value & 15)));
    default:
      return bytes.map((byte, i) => (i === at ? byte ^ (1 << (value & 7)) : byte));
  }
}

/** xorshift32: fast, repeatable, for nothing that has to be secret. */
function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function hostOf(authority: Authority): Certificate {
  const { version, curve } = authority.certificate;
  return good(
    issue(authority, {
      name: "host.example",
      networks: (version === 1 ? ["10.77.1.2/16"] : ["10.77.1.2/16", "fd77::2/64"]).map((text) => parsePrefix(text)!),
      unsafeNetworks: [parsePrefix("192.168.50.0/24")!],
      groups: ["servers", "laptops"],
      publicKey: generateHostKey(curve).publicKey,
      curve,
      notBefore: NOW - 500n,
      notAfter: NOW + 500n,
    }),
  );
}

function poolOf({ certificate }: Authority, blocklist: readonly string[]): CaPool {
  return good(CaPool.load(nodeSuite, [certificate], { blocklist, now: at() })).pool;
}

function at() {
  return wallTime(NOW * 1_000_000_000n);
}

function good<Value>(
  result: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: unknown },
): Value {
  if (!result.ok) throw new Error(JSON.stringify(result.reason));
  return result.value;
}
