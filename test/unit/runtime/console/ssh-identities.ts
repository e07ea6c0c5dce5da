import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import ssh2 from "ssh2";
import { wireString } from "../../../../src/runtime/console/ssh/wire-reader.ts";

/** A key of somebody, as the configuration and as the wire have it. */
export class Identity {
  /** PEM, as OpenSSH writes it. */
  readonly pem: string;
  /** A line of a .pub file. */
  readonly line: string;
  readonly blob: Buffer;
  readonly #key: KeyObject;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    this.#key = privateKey;
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    this.blob = Buffer.concat([wireString(Buffer.from("ssh-ed25519")), wireString(raw)]);
    this.line = `ssh-ed25519 ${this.blob.toString("base64")}`;
    this.pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  }

  get raw(): Buffer {
    return this.blob.subarray(-32);
  }

  /** RFC 8709, 6. */
  sign(data: Uint8Array): Buffer {
    return Buffer.concat([wireString(Buffer.from("ssh-ed25519")), wireString(sign(null, data, this.#key))]);
  }
}

/** A private key that ssh2 takes for a server or a client. Of those that it makes it cannot read one in some 280, and a client passes over that one without a word. */
export function openSshKey(): { readonly private: string; readonly public: string } {
  for (;;) {
    const { private: secret, public: line } = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(secret) instanceof Error)) return { private: secret, public: line };
  }
}

export interface CertificatePlan {
  readonly kind?: number;
  readonly principals?: readonly string[];
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  readonly options?: Readonly<Record<string, string>>;
  readonly signer?: Identity;
  readonly type?: string;
}

/** An OpenSSH user certificate for a key. */
export function certificateFor(subject: Identity, authority: Identity, plan: CertificatePlan = {}): Buffer {
  const { kind = 1, principals = ["me"], validAfter = 0n, validBefore = 2n ** 64n - 1n, options = {} } = plan;
  const list = (texts: readonly string[]): Buffer =>
    wireString(Buffer.concat(texts.map((text) => wireString(Buffer.from(text)))));
  const critical = Object.entries(options).flatMap(([name, value]) => [
    wireString(Buffer.from(name)),
    wireString(wireString(Buffer.from(value))),
  ]);
  const body = Buffer.concat([
    wireString(Buffer.from(plan.type ?? "ssh-ed25519-cert-v01@openssh.com")),
    wireString(Buffer.alloc(32, 7)),
    wireString(subject.raw),
    uint64(1n),
    uint32(kind),
    wireString(Buffer.from("an id")),
    list(principals),
    uint64(validAfter),
    uint64(validBefore),
    wireString(Buffer.concat(critical)),
    wireString(Buffer.alloc(0)),
    wireString(Buffer.alloc(0)),
    wireString(authority.blob),
  ]);
  return Buffer.concat([body, wireString((plan.signer ?? authority).sign(body))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
