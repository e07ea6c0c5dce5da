import { Fault } from "../../core/base/fault.ts";
import { checkedNonce, NONCE_BYTES } from "../../core/crypto/nonce.ts";
import { CURVE25519_KEY_BYTES, isEd25519PublicKey, isX25519PublicKey } from "../../core/crypto/public-keys.ts";
import type {
  Aead,
  AgreementKey,
  Cipher,
  CryptoSuite,
  KeyAgreement,
  SignatureScheme,
} from "../../core/crypto/suite.ts";
import { TAG_BYTES } from "../../core/wire/header.ts";
import { ed25519Signature, nodeSuite } from "../node-crypto.ts";
import type { NativeAgreementKey, NativeLibrary } from "./native-library.ts";
import { Room } from "./room.ts";

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Where associated data begin: behind key and nonce. */
const SEALED_FROM = KEY_BYTES + NONCE_BYTES;

/**
 * The suite of a daemon with the Rust library: what a handshake on Curve25519 takes. The rest is OpenSSL's: P-256, signing, keys for HMAC of another length than
 * HKDF's, and whatever is too long for the room.
 */
export function nativeSuite(library: NativeLibrary): CryptoSuite {
  const room = new Room();
  const agreement = x25519(library, room);
  const signature = ed25519(library, room);
  return {
    name: "lacis-crypto",
    sha256: (...parts) => {
      const end = room.put(KEY_BYTES, parts);
      if (end === undefined || !library.sha256(room.bytes, end - KEY_BYTES)) return nodeSuite.sha256(...parts);
      return room.take(0, KEY_BYTES);
    },
    hmacSha256: (key, ...parts) => {
      const end = key.length === KEY_BYTES ? room.put(0, [key, ...parts]) : undefined;
      if (end === undefined || !library.hmacSha256(room.bytes, end - KEY_BYTES))
        return nodeSuite.hmacSha256(key, ...parts);
      const mac = room.take(0, KEY_BYTES);
      room.wipe(end);
      return mac;
    },
    aead: (cipher, key) => new NativeAead(library, room, cipher, key),
    agreement: (curve) => (curve === "P256" ? nodeSuite.agreement(curve) : agreement),
    signature: (curve) => (curve === "P256" ? nodeSuite.signature(curve) : signature),
  };
}

function x25519(library: NativeLibrary, room: Room): KeyAgreement {
  return {
    publicKeyBytes: CURVE25519_KEY_BYTES,
    load: (privateKey) => {
      if (privateKey.length !== CURVE25519_KEY_BYTES) return undefined;
      room.put(0, [privateKey]);
      const key = library.X25519Key.load(room.bytes);
      return key ? new X25519Key(key, room) : undefined;
    },
    accepts: isX25519PublicKey,
  };
}

class X25519Key implements AgreementKey {
  readonly publicKey: Uint8Array;
  readonly #key: NativeAgreementKey;
  readonly #room: Room;

  /** The key was just loaded, and its public half lies in the room. */
  constructor(key: NativeAgreementKey, room: Room) {
    this.publicKey = room.take(0, CURVE25519_KEY_BYTES);
    this.#key = key;
    this.#room = room;
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!isX25519PublicKey(peerPublicKey)) return undefined;
    this.#room.put(0, [peerPublicKey]);
    if (!this.#key.agree(this.#room.bytes)) return undefined;
    const secret = this.#room.take(0, CURVE25519_KEY_BYTES);
    this.#room.wipe(CURVE25519_KEY_BYTES);
    return secret;
  }
}

function ed25519(library: NativeLibrary, room: Room): SignatureScheme {
  return {
    load: ed25519Signature.load,
    verify: (publicKey, message, signature) => {
      if (!isEd25519PublicKey(publicKey) || signature.length !== SIGNATURE_BYTES) return false;
      const end = room.put(0, [publicKey, signature, message]);
      if (end === undefined) return ed25519Signature.verify(publicKey, message, signature);
      return library.verifyEd25519(room.bytes, message.length);
    },
  };
}

class NativeAead implements Aead {
  readonly #library: NativeLibrary;
  readonly #room: Room;
  readonly #cipher: Cipher;
  readonly #key: Uint8Array;

  constructor(library: NativeLibrary, room: Room, cipher: Cipher, key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new Fault("aead-key-length", "an AEAD key has 32 bytes", { bytes: key.length });
    this.#library = library;
    this.#room = room;
    this.#cipher = cipher;
    this.#key = key;
  }

  seal(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (!this.#sealed(nonce, associatedData, plaintext)) return this.#openSsl().seal(nonce, associatedData, plaintext);
    return this.#room.take(SEALED_FROM + associatedData.length, plaintext.length + TAG_BYTES);
  }

  sealBehind(nonce: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (!this.#sealed(nonce, header, plaintext)) return this.#openSsl().sealBehind(nonce, header, plaintext);
    return this.#room.take(SEALED_FROM, header.length + plaintext.length + TAG_BYTES);
  }

  /** Whether it lies in the room, sealed: there was enough. */
  #sealed(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): boolean {
    const room = this.#room;
    const end = room.put(0, [this.#key, checkedNonce(nonce), associatedData, plaintext, TAG_ROOM]);
    if (end === undefined) return false;
    return this.#library.seal(room.bytes, this.#cipher === "chachapoly", associatedData.length, plaintext.length);
  }

  open(nonce: Uint8Array, associatedData: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const length = ciphertext.length - TAG_BYTES;
    if (length < 0) return undefined;
    const room = this.#room;
    const end = room.put(0, [this.#key, checkedNonce(nonce), associatedData, ciphertext]);
    if (end === undefined) return this.#openSsl().open(nonce, associatedData, ciphertext);
    const isChacha = this.#cipher === "chachapoly";
    if (!this.#library.open(room.bytes, isChacha, associatedData.length, ciphertext.length)) return undefined;
    const plaintext = room.take(SEALED_FROM + associatedData.length, length);
    room.wipe(end);
    return plaintext;
  }

  #openSsl(): Aead {
    return nodeSuite.aead(this.#cipher, this.#key);
  }
}

const TAG_ROOM = new Uint8Array(TAG_BYTES);
