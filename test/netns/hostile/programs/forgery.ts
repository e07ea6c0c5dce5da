import { concatBytes } from "../../../../src/core/base/bytes.ts";
import { encodeV2, encodeV2Details } from "../../../../src/core/cert/v2.ts";
import type { LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import { Initiation } from "../../../../src/core/handshake/initiation.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { encodeHandshakePayload } from "../../../../src/core/wire/handshake-payload.ts";
import { DATAGRAM_BYTES_MAX, HEADER_BYTES } from "../../../../src/core/wire/header.ts";
import { ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";
import { readClock } from "../../../../src/runtime/clock.ts";
import { loadSettings } from "../../../../src/runtime/config/config-file.ts";
import { nodeSuite, osEntropy } from "../../../../src/runtime/node-crypto.ts";

/** Bytes of the ephemeral key, which lies behind the header, and of the static one behind that. Any 32 bytes are such a key. */
export const KEY_BYTES = 32;

export type Forgery =
  /** What a host with this certificate would send. Its key is not needed: message 1 proves nothing. */
  | "copied"
  /** The longest there can be: a certificate full of networks, from the right issuer, with a signature that is none. */
  | "maximal";

/** Makes messages 1 in the name of the host of a configuration, each of the moment in which it is made. */
export function forger(forgery: Forgery, config: string): () => Uint8Array {
  const loaded = loadSettings(config, { suite: nodeSuite, wall: readClock().wall });
  if (!loaded.ok) throw new Error(`${config} is of no use`);
  const { live, boot } = loaded.value.settings;
  const context = { crypto: nodeSuite, entropy: osEntropy, identity: live.identity, cipher: boot.cipher };
  const localIndex = 77 as LocalIndex;
  const copied = (): Uint8Array => {
    const genuine = Initiation.begin(context, { version: 2, localIndex, time: readClock().wall });
    if (!genuine) throw new Error(`${config} has no certificate of version 2`);
    return genuine.message1;
  };
  if (forgery === "copied") return copied;
  const keys = copied().subarray(0, HEADER_BYTES + 2 * KEY_BYTES);
  const certificate = live.identity.credential.certificates[2];
  if (!certificate) throw new Error(`${config} has no certificate of version 2`);
  const networks = Array.from({ length: NETWORKS }, (_, i) => ({ address: scattered(i), bits: 32 }));
  const junk = encodeV2({
    details: encodeV2Details({ ...certificate, networks }),
    curve: "CURVE25519",
    signature: new Uint8Array(64),
  });
  const indexes = { initiatorIndex: localIndex, responderIndex: 0 };
  return () => {
    const time = readClock().wall;
    const payload = encodeHandshakePayload({ certificate: junk, certificateVersion: 2, ...indexes, time });
    const left = DATAGRAM_BYTES_MAX - keys.length - payload.length - FIELD_OVERHEAD_BYTES;
    return concatBytes(keys, payload, new ProtobufWriter().bytes(UNKNOWN_FIELD, new Uint8Array(left)).finish());
  };
}

/** Seven bytes each. */
const NETWORKS = 1_230;
/** A field that no reader knows, to fill up with: its key and its length take this many bytes. */
const UNKNOWN_FIELD = 99;
const FIELD_OVERHEAD_BYTES = 4;

function scattered(i: number): IpAddress {
  const mixed = Math.imul(i + 1, 0x9e37_79b1) >>> 0;
  return `10.${mixed >>> 24}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}` as IpAddress;
}
