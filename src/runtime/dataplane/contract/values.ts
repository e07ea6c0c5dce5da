import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Cipher } from "../../../core/crypto/suite.ts";
import type {
  CaptureStep,
  Direction,
  RecvErrorPolicy,
  RefusalAction,
  Relay,
  RelayRole,
  RuleProtocol,
} from "../../../core/dataplane/contract.ts";
import { DropReason } from "../../../core/drop-reason.ts";
import { addressBytes, addressFromBytes, type IpAddress } from "../../../core/netip/address.ts";
import { type Endpoint, endpoint, endpointAddress, endpointPort } from "../../../core/netip/endpoint.ts";
import { type Prefix, widthOf } from "../../../core/netip/prefix.ts";
import { directPath, type Path } from "../../../core/path/path.ts";
import type { LocalIndex } from "../../../core/path/session-index.ts";
import type { Route, RouteTarget } from "../../../core/route/route.ts";
import * as pb from "./generated/dataplane_pb.ts";

/** A decoded message that means nothing here: caught where decoding began, never seen outside. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

export function present<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Malformed(`${what} is missing`);
  return value;
}

export function readAddress(bytes: Uint8Array): IpAddress {
  const address = addressFromBytes(bytes);
  if (!address) throw new Malformed(`an address has ${bytes.length} bytes`);
  return address;
}

/** No bytes: no address. */
export function readOptionalAddress(bytes: Uint8Array): IpAddress | undefined {
  return bytes.length === 0 ? undefined : readAddress(bytes);
}

/** Port 0 stands for "any free port" where a socket is bound. */
export function readEndpoint(value: pb.Endpoint | undefined): Endpoint {
  const { address, port } = present(value, "an endpoint");
  return endpoint(readAddress(address), readPort(port));
}

export function readOptionalEndpoint(value: pb.Endpoint | undefined): Endpoint | undefined {
  return value && readEndpoint(value);
}

export function writeEndpoint(value: Endpoint): MessageInitShape<typeof pb.EndpointSchema> {
  return { address: addressBytes(endpointAddress(value)), port: endpointPort(value) };
}

export function readPrefix({ address, bits }: pb.Prefix): Prefix {
  const network = readAddress(address);
  if (bits > widthOf(network)) throw new Malformed(`a prefix of ${bits} bits`);
  return { address: network, bits };
}

export function writePrefix({ address, bits }: Prefix): MessageInitShape<typeof pb.PrefixSchema> {
  return { address: addressBytes(address), bits };
}

export function readPath(value: pb.Path | undefined): Path {
  const { way } = present(value, "a path");
  switch (way.case) {
    case "direct":
      return directPath(readEndpoint(way.value));
    case "relayed":
      return { kind: "relayed", session: way.value.session as LocalIndex, relayIndex: way.value.relayIndex };
    case undefined:
      throw new Malformed("a path of a kind that is not known here");
  }
}

/** Undefined: none, or one of a kind that is not known here. The two look the same (SEMANTICS 13). */
export function readKnownPath(value: pb.Path | undefined): Path | undefined {
  return value?.way.case === undefined ? undefined : readPath(value);
}

export function writePath(path: Path): MessageInitShape<typeof pb.PathSchema> {
  if (path.kind === "direct") return { way: { case: "direct", value: writeEndpoint(path.endpoint) } };
  const { session, relayIndex } = path;
  return { way: { case: "relayed", value: { session, relayIndex } } };
}

/** Undefined is absent on the wire, too: spread it into the message. */
export function writeOptionalPath<Name extends string>(
  name: Name,
  value: Path | undefined,
): { [name in Name]?: MessageInitShape<typeof pb.PathSchema> } {
  return (value === undefined ? {} : { [name]: writePath(value) }) as {
    [name in Name]?: MessageInitShape<typeof pb.PathSchema>;
  };
}

export function writeRelay({ role, ...relay }: Relay): MessageInitShape<typeof pb.SetRelaySchema> {
  return { ...relay, role: writeRole(role) };
}

function writeRole(role: RelayRole): NonNullable<MessageInitShape<typeof pb.SetRelaySchema>["role"]> {
  if (role.kind === "terminal") return { case: "terminalPeer", value: addressBytes(role.peer) };
  const { session, relayIndex } = role;
  return { case: "forward", value: { session, relayIndex } };
}

/** Undefined: it does something of a kind that is not known here. */
export function readKnownRelay({ relayIndex, session, remoteIndex, role }: pb.SetRelay): Relay | undefined {
  const hop = { relayIndex, session: session as LocalIndex, remoteIndex };
  switch (role.case) {
    case "terminalPeer":
      return { ...hop, role: { kind: "terminal", peer: readAddress(role.value) } };
    case "forward": {
      const { session: next, relayIndex: nextIndex } = role.value;
      return { ...hop, role: { kind: "forward", session: next as LocalIndex, relayIndex: nextIndex } };
    }
    case undefined:
      return undefined;
  }
}

export function writeRoute({ prefix, target }: Route): MessageInitShape<typeof pb.RouteSchema> {
  return { prefix: writePrefix(prefix), target: writeTarget(target) };
}

function writeTarget(target: RouteTarget): NonNullable<MessageInitShape<typeof pb.RouteSchema>["target"]> {
  if (target.kind !== "gateways") return { case: target.kind, value: {} };
  const gateways = target.gateways.map(({ address, weight }) => ({ address: addressBytes(address), weight }));
  return { case: "gateways", value: { gateways } };
}

/** Undefined: no route at all. */
export function readRoute({ prefix, target }: pb.Route): Route | undefined {
  if (!prefix && target.case === undefined) return undefined;
  return { prefix: readPrefix(present(prefix, "a prefix")), target: readTarget(target) };
}

function readTarget(target: pb.Route["target"]): RouteTarget {
  if (target.case === undefined) throw new Malformed("a route to something that is not known here");
  if (target.case !== "gateways") return { kind: target.case };
  const gateways = target.value.gateways.map(({ address, weight }) => ({ address: readAddress(address), weight }));
  return { kind: "gateways", gateways };
}

export function readPort(port: number): number {
  if (port > PORT_MAX) throw new Malformed(`port ${port}`);
  return port;
}

const PORT_MAX = 65_535;

export const captureOps: Readonly<Record<CaptureStep["op"], pb.CaptureOp>> = {
  and: pb.CaptureOp.AND,
  or: pb.CaptureOp.OR,
  not: pb.CaptureOp.NOT,
  inbound: pb.CaptureOp.INBOUND,
  refused: pb.CaptureOp.REFUSED,
  protocol: pb.CaptureOp.PROTOCOL,
  source: pb.CaptureOp.SOURCE,
  destination: pb.CaptureOp.DESTINATION,
  "source-port": pb.CaptureOp.SOURCE_PORT,
  "destination-port": pb.CaptureOp.DESTINATION_PORT,
};

export const ciphers: Readonly<Record<Cipher, pb.Cipher>> = {
  aes: pb.Cipher.AES_256_GCM,
  chachapoly: pb.Cipher.CHACHA20_POLY1305,
};

export const recvErrorPolicies: Readonly<Record<RecvErrorPolicy, pb.RecvErrorPolicy>> = {
  always: pb.RecvErrorPolicy.ALWAYS,
  never: pb.RecvErrorPolicy.NEVER,
  private: pb.RecvErrorPolicy.PRIVATE,
};

export const ruleProtocols: Readonly<Record<RuleProtocol, pb.RuleProtocol>> = {
  any: pb.RuleProtocol.ANY,
  tcp: pb.RuleProtocol.TCP,
  udp: pb.RuleProtocol.UDP,
  icmp: pb.RuleProtocol.ICMP,
};

export const refusalActions: Readonly<Record<RefusalAction, pb.RefusalAction>> = {
  drop: pb.RefusalAction.DROP,
  reject: pb.RefusalAction.REJECT,
};

/** Our name of an enum's number. A number that has none is refused, "unspecified" among them. */
export function named<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  number: number,
  what: string,
): Name {
  for (const name in numbers) if (numbers[name] === number) return name;
  throw new Malformed(`${what} ${number}`);
}

/** A reason of a later version is some other reason. */
export function readReason(name: string): DropReason {
  return reasons.get(name) ?? DropReason.other;
}

const reasons: ReadonlyMap<string, DropReason> = new Map(Object.values(DropReason).map((known) => [known, known]));

/** An action of a later version refuses at any rate; that is what a drop does. */
export function readAction(action: pb.RefusalAction): RefusalAction {
  return action === pb.RefusalAction.REJECT ? "reject" : "drop";
}

export function direction(inbound: boolean): Direction {
  return inbound ? "inbound" : "outbound";
}
