import { concatBytes, utf8Encode } from "../../src/core/base/bytes.ts";
import type { Certificate, CertificateVersion } from "../../src/core/cert/certificate.ts";
import { toHandshakeForm } from "../../src/core/cert/handshake-form.ts";
import { encodeV1 } from "../../src/core/cert/v1.ts";
import { encodeV2 } from "../../src/core/cert/v2.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import { derElement, derInteger } from "../../src/core/wire/der.ts";
import { HEADER_BYTES } from "../../src/core/wire/header.ts";
import { ProtobufWriter } from "../../src/core/wire/protobuf.ts";
import { type TestAuthority, WORLD_BEGINS } from "../unit/fixtures/authority.ts";

export type Random = (below: number) => number;

/** A certificate in handshake form, and what its sender would say that it is. */
export interface Form {
  readonly kind: string;
  readonly version: CertificateVersion;
  readonly bytes: Uint8Array;
}

/** What is left for a certificate of the largest message 1 that there is. */
const ROOM_BYTES = 9_001 - HEADER_BYTES - 2 * 65 - 64;

/**
 * Certificates that cost as much as certificates can: lists as long as a datagram is, in and out of order, of one element and of many;
 * elements in elements; numbers with needless bytes. None is signed by the CA that it names.
 */
export function maximalForms(authority: TestAuthority, random: Random): readonly Form[] {
  const { curve, certificate } = authority;
  const issuer = Uint8Array.from(Buffer.from(certificate.fingerprint, "hex"));
  const stranger = issuer.map((byte) => byte ^ 1);
  return [issuer, stranger]
    .flatMap((by) => [...longV2(curve, by, random), ...longV1(curve, by, random)])
    .concat(deep());
}

/** Genuine certificates of such a CA with lists as long as its hosts may have them, and longer. */
export function signedForms(authority: TestAuthority, key: Uint8Array): readonly Form[] {
  const networks = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => `10.77.${i >> 8}.${i & 255}/16`);
  const groups = (count: number): string[] => Array.from({ length: count }, (_, i) => `g${i}`);
  const issued = (version: CertificateVersion, many: Partial<Parameters<TestAuthority["issue"]>[1]>): Certificate =>
    authority.issue(version, { name: "host", networks: ["10.77.0.9/16"], publicKey: key, ...many });
  return ([1, 2] as const).flatMap((version) => [
    form("ours", issued(version, {})),
    form(
      "ours, many networks",
      issued(version, {
        networks: networks(200)
          .map((network) => network.replace("10.77.0.1/", "10.77.200.1/"))
          .slice(2),
      }),
    ),
    form("ours, too many networks", issued(version, { networks: networks(650).slice(2) })),
    form("ours, many groups", issued(version, { groups: groups(900) })),
    form("ours, too many groups", issued(version, { groups: groups(1_300) })),
    form("ours, expired", issued(version, { networks: networks(200).slice(2), notAfter: WORLD_BEGINS - 1n })),
  ]);
}

function form(kind: string, certificate: Certificate): Form {
  return { kind, version: certificate.version, bytes: toHandshakeForm(certificate) };
}

function signatureOf(curve: Curve, random: Random): Uint8Array {
  const scalar = (): Uint8Array => derElement(2, Uint8Array.of(1 + random(127), ...bytesOf(31, random)));
  return curve === "P256"
    ? derElement(0x30, scalar(), scalar())
    : bytesOf(64, random).map((byte, i) => (i === 63 ? byte & 0x0f : byte));
}

function longV2(curve: Curve, issuer: Uint8Array, random: Random): Form[] {
  const prefix = (address: Uint8Array, bits: number): Uint8Array => derElement(0x04, address, Uint8Array.of(bits));
  const room = ROOM_BYTES - 200;
  const v4 = filled(room, (i) => prefix(Uint8Array.of(10, 77, (i >> 8) & 255, i & 255), 16 + (i % 17)));
  const v6 = filled(room, (i) => prefix(Uint8Array.of(0xfd, ...bytesOf(13, random), i >> 8, i & 255), 64));
  const one = [prefix(Uint8Array.of(10, 77, 0, 9), 16)];
  const group = (text: string): Uint8Array => derElement(0x0c, utf8Encode(text));
  const lists: Record<string, [Uint8Array[], Uint8Array[], Uint8Array[]]> = {
    "v2, v4 networks in order": [v4, [], []],
    "v2, v4 networks the other way round": [[...v4].reverse(), [], []],
    "v2, v4 networks in no order": [shuffled(v4, random), [], []],
    "v2, one network many times": [v4.map(() => v4[0]!), [], []],
    "v2, v6 networks in no order": [shuffled(v6, random), [], []],
    "v2, unsafe networks of another family": [one, v6, []],
    "v2, unsafe networks in no order": [one, shuffled(v4, random), []],
    "v2, the shortest groups": [one, [], filled(room, (i) => group(String.fromCharCode(33 + (i % 90))))],
    "v2, empty groups": [one, [], filled(room, () => group(""))],
    "v2, one long group": [one, [], [group("\u{1f512}".repeat(room >> 2))]],
  };
  return Object.entries(lists).map(([kind, [networks, unsafe, groups]]) => {
    const details = derElement(
      0xa0,
      derElement(0x80, utf8Encode("host")),
      ...[networks, unsafe, groups].flatMap((list, i) => (list.length > 0 ? [derElement(0xa1 + i, ...list)] : [])),
      derElement(0x85, derInteger(WORLD_BEGINS - 1000n)),
      derElement(0x86, derInteger(WORLD_BEGINS + 100_000n)),
      derElement(0x87, issuer),
    );
    return { kind, version: 2, bytes: encodeV2({ details, curve, signature: signatureOf(curve, random) }) };
  });
}

function longV1(curve: Curve, issuer: Uint8Array, random: Random): Form[] {
  const room = ROOM_BYTES - 200;
  const small = Array.from({ length: room - 4 }, (_, i) => (i % 2 === 0 ? 1 + (i % 120) : 0));
  const large = Array.from({ length: ((room - 10) / 5) & ~1 }, (_, i) => (i % 2 === 0 ? 0x0a4d_0000 + i : 0xffff_0000));
  const one = [0x0a4d_0009, 0xffff_0000];
  type Lists = (writer: ProtobufWriter) => ProtobufWriter;
  const groups = (writer: ProtobufWriter, count: number, bytes: number): ProtobufWriter => {
    for (let i = 0; i < count; i++)
      writer.message(
        4,
        bytesOf(bytes, random).map((byte) => 33 + (byte % 90)),
      );
    return writer;
  };
  const lists: Record<string, Lists> = {
    "v1, the shortest networks": (writer) => writer.packedUint32s(2, small),
    "v1, networks": (writer) => writer.packedUint32s(2, large),
    "v1, unsafe networks": (writer) => writer.packedUint32s(2, one).packedUint32s(3, small),
    "v1, networks one by one": (writer) => {
      for (let i = 0; i < room / 6; i++) writer.varint(2, 1 + i).varint(2, 0xffff_ff00);
      return writer;
    },
    "v1, networks in packs of one": (writer) => {
      for (let i = 0; i < room / 3; i++) writer.bytes(2, Uint8Array.of(1 + (i % 120)));
      return writer;
    },
    "v1, empty groups": (writer) => groups(writer.packedUint32s(2, one), room >> 1, 0),
    "v1, the shortest groups": (writer) => groups(writer.packedUint32s(2, one), room / 3, 1),
    "v1, one long group": (writer) => groups(writer.packedUint32s(2, one), 1, room - 20),
  };
  return Object.entries(lists).map(([kind, write]) => {
    const details = write(new ProtobufWriter().bytes(1, utf8Encode("host")))
      .varint(5, WORLD_BEGINS - 1000n)
      .varint(6, WORLD_BEGINS + 100_000n)
      .bytes(9, issuer)
      .varint(100, curve === "P256" ? 1 : 0)
      .finish();
    return { kind, version: 1, bytes: encodeV1(details, signatureOf(curve, random)) };
  });
}

/** What a reader that calls itself would not come back from. */
function deep(): Form[] {
  let nested: Uint8Array = new Uint8Array();
  while (nested.length < ROOM_BYTES - 8) nested = derElement(nested.length % 2 === 0 ? 0x30 : 0xa0, nested);
  const groups = new Uint8Array(ROOM_BYTES).fill(0x0b, 0, ROOM_BYTES >> 1).fill(0x0c, ROOM_BYTES >> 1);
  const varints = new Uint8Array(ROOM_BYTES).fill(0x80);
  const fields = concatBytes(...Array.from({ length: ROOM_BYTES / 3 }, () => Uint8Array.of(0x78, 0x81, 0x00)));
  return [
    { kind: "elements in elements", version: 2, bytes: nested },
    { kind: "groups in groups", version: 1, bytes: groups },
    { kind: "one long number", version: 1, bytes: varints },
    {
      kind: "unknown fields",
      version: 1,
      bytes: encodeV1(
        fields,
        bytesOf(64, () => 7),
      ),
    },
  ];
}

function filled(room: number, make: (i: number) => Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  for (let used = 0; ; ) {
    const element = make(elements.length);
    used += element.length;
    if (used > room) return elements;
    elements.push(element);
  }
}

function shuffled(elements: readonly Uint8Array[], random: Random): Uint8Array[] {
  const list = [...elements];
  for (let i = list.length - 1; i > 0; i--) {
    const other = random(i + 1);
    [list[i], list[other]] = [list[other]!, list[i]!];
  }
  return list;
}

export function bytesOf(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}

/** xorshift32: fast, repeatable, for nothing that has to be secret. */
export function generator(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
