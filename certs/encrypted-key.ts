import { concatBytes, utf8Encode } from "../src/core/base/bytes.ts";
import type { Entropy } from "../src/core/base/entropy.ts";
import { fail, ok, type Result } from "../src/core/base/result.ts";
import { Secret } from "../src/core/base/secret.ts";
import { Banner, decodePem, encodePem, type PemBlock } from "../src/core/cert/pem.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import { ProtobufReader, ProtobufWriter } from "../src/core/wire/protobuf.ts";
import { platformEntropy } from "./entropy.ts";
import {
  checkedCost,
  deriveKey,
  deriveKeyAtMeasuredCost,
  type KeyDerivationCost,
  type WantedCost,
} from "./key-derivation.ts";
import { type Refusal, refuse } from "./refusal.ts";

// An encrypted CA key (protocol 4.8), between the lines of an ENCRYPTED PRIVATE KEY:
//
//   1 { 1: "AES-256-GCM", 2 { 1: Argon2 version 19, 2: memory KiB, 3: passes, 4: lanes, 5: salt } }
//   2: nonce (12) || the raw key, sealed || tag (16)
//
// The AES key is Argon2id of the passphrase. There is no associated data.

/** Whether a file's text holds an encrypted CA key, which `decryptCaKey` opens. */
export function isEncryptedCaKey(pem: string): boolean {
  const blocks = decodePem(pem);
  return blocks.ok && blocks.value.length === 1 && kindOf(blocks.value[0]) !== undefined;
}

/** The file as it would be without encryption. `what` names it in refusals, which never tell anything of the key. */
export async function decryptCaKey(
  pem: string,
  passphrase: Uint8Array,
  what: string,
): Promise<Result<string, Refusal>> {
  const blocks = decodePem(pem);
  const [block] = blocks.ok ? blocks.value : [];
  const kind = kindOf(block);
  if (!block || !kind) return refuse(what, "it is not an encrypted CA key", "give the file that ca -encrypt wrote");
  const decoded = decodeEncryptedKey(block.bytes);
  if (!decoded.ok) return refuse(what, decoded.reason, "restore the file from a backup");
  const { cost, salt, nonce, sealed } = decoded.value;
  const checked = checkedCost(cost, what);
  if (!checked.ok) return checked;

  const derived = await deriveKey(passphrase, salt, cost);
  if (!derived.ok) return derived;
  using key = derived.value;
  const opened = portableSuite.aead("aes", key.expose()).open(nonce, NOTHING, sealed);
  if (!opened) return refuse(what, "the passphrase is wrong, or the file is damaged", "try the passphrase again");
  using raw = new Secret(opened);
  if (raw.expose().length !== kind.keyBytes) {
    return refuse(what, `it holds ${opened.length} bytes, not the ${kind.keyBytes} of its kind of key`, RESTORE);
  }
  return ok(encodePem(kind.plain, raw.expose()));
}

/** The other way: a CA key's file, sealed with a passphrase. Without a wanted cost, it is measured so that a guess takes half a second. */
export async function encryptCaKey(
  pem: string,
  passphrase: Uint8Array,
  wanted: WantedCost = {},
  entropy: Entropy = platformEntropy,
): Promise<Result<{ readonly pem: string; readonly cost: KeyDerivationCost }, Refusal>> {
  const blocks = decodePem(pem);
  const [block] = blocks.ok ? blocks.value : [];
  const kind = KINDS.find(({ plain }) => plain === block?.banner);
  if (!block || !kind) return refuse("the key", "it is not a CA's private key", "give the one that ca made");
  using raw = new Secret(block.bytes);
  const salt = entropy.bytes(SALT_BYTES);
  const derived = await deriveKeyAtMeasuredCost(passphrase, salt, wanted);
  if (!derived.ok) return derived;
  using key = derived.value.key;
  const { cost } = derived.value;
  const nonce = entropy.bytes(NONCE_BYTES);
  const sealed = portableSuite.aead("aes", key.expose()).seal(nonce, NOTHING, raw.expose());
  const encoded = encodeEncryptedKey({ cost, salt, nonce, sealed });
  return ok({ pem: encodePem(kind.encrypted, encoded), cost });
}

const KINDS = [
  { encrypted: Banner.ed25519EncryptedPrivateKey, plain: Banner.ed25519PrivateKey, keyBytes: 64 },
  { encrypted: Banner.ecdsaP256EncryptedPrivateKey, plain: Banner.ecdsaP256PrivateKey, keyBytes: 32 },
] as const;

function kindOf(block: PemBlock | undefined): (typeof KINDS)[number] | undefined {
  return KINDS.find(({ encrypted }) => encrypted === block?.banner);
}

interface EncryptedKey {
  readonly cost: KeyDerivationCost;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  /** Ciphertext and tag. */
  readonly sealed: Uint8Array;
}

function decodeEncryptedKey(bytes: Uint8Array): Result<EncryptedKey, string> {
  const outer = new ProtobufReader(bytes);
  let metadata = NOTHING;
  let sealed = NOTHING;
  while (outer.next()) {
    if (outer.field === Outer.metadata) metadata = outer.bytes();
    else if (outer.field === Outer.ciphertext) sealed = outer.bytes();
  }
  const reader = new ProtobufReader(metadata);
  let algorithm = "";
  let parameters = NOTHING;
  while (reader.next()) {
    if (reader.field === Metadata.algorithm) algorithm = reader.text();
    else if (reader.field === Metadata.argon2) parameters = reader.bytes();
  }
  if (outer.failed || reader.failed) return fail(MALFORMED);
  if (algorithm !== ALGORITHM) return fail(`it is not encrypted with ${ALGORITHM}`);
  if (sealed.length <= NONCE_BYTES + TAG_BYTES) return fail("the encrypted key is cut off");
  const argon2 = decodeArgon2(parameters);
  if (!argon2.ok) return argon2;
  return ok({ ...argon2.value, nonce: sealed.slice(0, NONCE_BYTES), sealed: sealed.slice(NONCE_BYTES) });
}

function decodeArgon2(bytes: Uint8Array): Result<Pick<EncryptedKey, "cost" | "salt">, string> {
  const reader = new ProtobufReader(bytes);
  let version = 0;
  let [memoryKib, passes, lanes] = [0, 0, 0];
  let salt = NOTHING;
  while (reader.next()) {
    if (reader.field === Argon2.version) version = reader.uint32();
    else if (reader.field === Argon2.memory) memoryKib = reader.uint32();
    else if (reader.field === Argon2.passes) passes = reader.uint32();
    else if (reader.field === Argon2.lanes) lanes = reader.uint32();
    else if (reader.field === Argon2.salt) salt = reader.bytes();
  }
  if (reader.failed) return fail(MALFORMED);
  if (version !== ARGON2_VERSION) return fail(`its key derivation is not Argon2id of version ${ARGON2_VERSION}`);
  if (salt.length < SALT_BYTES_MIN || salt.length > SALT_BYTES_MAX)
    return fail(`the salt of its key derivation has ${salt.length} bytes, not ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX}`);
  return ok({ cost: { memoryKib, passes, lanes }, salt: salt.slice() });
}

function encodeEncryptedKey({ cost, salt, nonce, sealed }: EncryptedKey): Uint8Array {
  const parameters = new ProtobufWriter()
    .varint(Argon2.version, ARGON2_VERSION)
    .varint(Argon2.memory, cost.memoryKib)
    .varint(Argon2.passes, cost.passes)
    .varint(Argon2.lanes, cost.lanes)
    .bytes(Argon2.salt, salt)
    .finish();
  const metadata = new ProtobufWriter()
    .bytes(Metadata.algorithm, utf8Encode(ALGORITHM))
    .message(Metadata.argon2, parameters)
    .finish();
  return new ProtobufWriter()
    .message(Outer.metadata, metadata)
    .bytes(Outer.ciphertext, concatBytes(nonce, sealed))
    .finish();
}

const Outer = { metadata: 1, ciphertext: 2 } as const;
const Metadata = { algorithm: 1, argon2: 2 } as const;
const Argon2 = { version: 1, memory: 2, passes: 3, lanes: 4, salt: 5 } as const;

const ALGORITHM = "AES-256-GCM";
const ARGON2_VERSION = 0x13;
const SALT_BYTES = 32;
const SALT_BYTES_MIN = 16;
/** Ours; the reference writes 32. */
const SALT_BYTES_MAX = 1024;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NOTHING: Uint8Array = new Uint8Array();
const MALFORMED = "the encrypted key is not well formed";
const RESTORE = "restore the file from a backup";
