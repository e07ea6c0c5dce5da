import { fromHex, utf8Encode } from "../../../src/core/base/bytes.ts";
import { fail, ok, type Result } from "../../../src/core/base/result.ts";
import type { Curve } from "../../../src/core/crypto/suite.ts";
import { groupNames, hostName } from "../../../src/core/enrolment/messages.ts";
import { NETWORK_NAME } from "../../../src/core/enrolment/name.ts";
import {
  hex,
  integer,
  list,
  object,
  oneOf,
  optional,
  readJson,
  type Shape,
  text,
} from "../../../src/core/enrolment/shape.ts";
import { type Prefix, parsePrefix } from "../../../src/core/netip/prefix.ts";
import { decodeDebugAccess } from "../../../src/core/policy/debug-access.ts";
import { DEBUG_LIST_CHARACTERS_MAX, type DebugList } from "./debug-list.ts";

// What waits for an authority's key that is elsewhere, as one file: JSON, for people to read before they sign it.

/** A certificate that is wanted. */
export interface WantedCertificate {
  /** Of the request that waits. */
  readonly id: string;
  readonly name: string;
  /** "10.77.0.2/24": free when this was written, and held by nobody. */
  readonly networks: readonly string[];
  readonly groups: readonly string[];
  /** Seconds from the signature on. */
  readonly lifetime: number;
  readonly curve: Curve;
  /** Hex. */
  readonly publicKey: string;
  /** Where it was asked from, and when (Unix seconds): for whoever decides. */
  readonly source: string;
  readonly askedAt: number;
}

/** A list of revoked keys that was not signed yet. */
export interface WantedList {
  readonly number: number;
  /** The body of its bulletin, hex. */
  readonly body: string;
}

export interface SigningBatch {
  readonly format: typeof FORMAT;
  readonly network: string;
  /** Fingerprint of the authority that is to sign. */
  readonly authority: string;
  readonly certificates: readonly WantedCertificate[];
  /** Undefined: what hosts were told last holds still. */
  readonly revocations?: WantedList;
  /** Hosts that are to be let in to debug; undefined: nobody whom they do not know of. */
  readonly debugAccess?: DebugList;
}

/** Of one batch: what is left waits for the next. */
export const BATCH_CERTIFICATES_MAX = 1_000;
const LIFETIME_SECONDS_MAX = 10 * 366 * 86_400;
const LIST_BYTES_MAX = 512 * 1024;
const FORMAT = "lacis-signing-1";

const moment: Shape<number> = integer("Unix seconds", { min: 0, max: Number.MAX_SAFE_INTEGER });

export const signingBatch: Shape<SigningBatch> = object<SigningBatch>({
  format: oneOf("what this file is", [FORMAT]),
  network: text("the network's name", { max: 64, pattern: NETWORK_NAME }),
  authority: hex("fingerprint of the authority that is to sign", [32]),
  certificates: list(
    object<WantedCertificate>({
      id: hex("names the request", [6]),
      name: hostName,
      networks: list(text("address/bits", { max: 49 }), { min: 1, max: 16 }),
      groups: groupNames,
      lifetime: integer("seconds that it is to be valid", { min: 1, max: LIFETIME_SECONDS_MAX }),
      curve: oneOf("the key's curve", ["CURVE25519", "P256"]),
      publicKey: hex("the host's public key", [32, 65]),
      source: text("where it was asked from", { max: 64, pattern: /^[\x20-\x7e]*$/ }),
      askedAt: moment,
    }),
    { max: BATCH_CERTIFICATES_MAX },
  ),
  revocations: optional(
    object<WantedList>({
      number: integer("its number", { min: 1, max: Number.MAX_SAFE_INTEGER }),
      body: text("the bulletin's body, hex", { max: 2 * LIST_BYTES_MAX, pattern: /^(?:[0-9a-f]{2})*$/ }),
    }),
  ),
  debugAccess: optional(
    object<DebugList>({
      number: integer("its number", { min: 1, max: Number.MAX_SAFE_INTEGER }),
      body: text("the bulletin's body, JSON", { max: DEBUG_LIST_CHARACTERS_MAX }),
    }),
  ),
});

export function makeBatch(content: Omit<SigningBatch, "format">): SigningBatch {
  return { format: FORMAT, ...content };
}

/** One certificate a line, so that it can be read and compared. */
export function formatBatch({ certificates, ...rest }: SigningBatch): string {
  const lines = certificates.map((each) => `    ${JSON.stringify(each)}`).join(",\n");
  const head = JSON.stringify(rest).slice(1, -1);
  return `{ ${head},\n  "certificates": [${lines === "" ? "" : `\n${lines}\n  `}] }\n`;
}

/** Why it is none is a clause. */
export function parseBatch(content: string): Result<SigningBatch, string> {
  const read = readJson(signingBatch, content);
  if (!read.ok) return read;
  const { debugAccess } = read.value;
  const access = debugAccess && decodeDebugAccess(utf8Encode(debugAccess.body));
  if (access && !access.ok) return fail(`what lets hosts in to debug: ${access.reason}`);
  const odd = read.value.certificates.find(({ networks }) => networks.some((each) => parsePrefix(each) === undefined));
  return odd ? fail(`the networks of ${odd.id} are no networks`) : ok(read.value);
}

/** Of a batch that was read. */
export function networksOf({ networks }: WantedCertificate): readonly Prefix[] {
  return networks.flatMap((each) => parsePrefix(each) ?? []);
}

export function keyOf({ publicKey }: WantedCertificate): Uint8Array {
  return fromHex(publicKey) ?? new Uint8Array();
}
