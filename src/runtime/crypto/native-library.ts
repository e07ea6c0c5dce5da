import { OperatorError } from "../operator-error.ts";
import { foundInPackage } from "../package-root.ts";

/** Where it lies in an installed package, and where `npm run build:native` makes it. It is looked for nowhere else (reliability R60). */
const PLACES = ["lacis-crypto.node", "native/target/release/liblacis_crypto.so"];

/** What this side takes the library's calls to be (native/crypto/src/lib.rs). */
const LAYOUT = 1;

/** A private X25519 key that the library holds. */
export interface NativeAgreementKey {
  /** A public key in the first 32 bytes of the room becomes the shared secret; false when there is none. */
  agree(room: Buffer): boolean;
}

/** native/crypto. Each call reads and writes a room; what lies where, its own comments say. */
export interface NativeLibrary {
  layout(): number;
  sha256(room: Buffer, length: number): boolean;
  hmacSha256(room: Buffer, length: number): boolean;
  verifyEd25519(room: Buffer, length: number): boolean;
  seal(room: Buffer, isChacha: boolean, associatedData: number, plaintext: number): boolean;
  open(room: Buffer, isChacha: boolean, associatedData: number, ciphertext: number): boolean;
  readonly X25519Key: { load(room: Buffer): NativeAgreementKey | null };
}

/** Where the library lies, if it was installed or built. */
export function findNativeLibrary(): string | undefined {
  return foundInPackage(PLACES);
}

/** Loads it. One that does not load, or that belongs to another version, is an OperatorError: it was installed half. */
export function loadNativeLibrary(path: string): NativeLibrary {
  const loaded: { exports: Partial<NativeLibrary> } = { exports: {} };
  let why: string | undefined;
  try {
    process.dlopen(loaded, path);
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (why === undefined && loaded.exports.layout?.() === LAYOUT) return loaded.exports as NativeLibrary;
  throw new OperatorError("crypto-library-broken", {
    what: `cannot use the cryptography in ${path}`,
    why: why ?? "it belongs to another version of Lacis",
    todo: "install Lacis again, or build it again with: npm run build:native (without that file Lacis works too, more slowly)",
  });
}
