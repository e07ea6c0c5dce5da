import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Cipher } from "../../../core/crypto/suite.ts";
import type { PolicyProgram, PolicyRule, RecvErrorPolicy, RuleProtocol } from "../../../core/dataplane/contract.ts";
import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../../../core/netip/address.ts";
import { type Endpoint, endpoint, endpointAddress, endpointPort } from "../../../core/netip/endpoint.ts";
import type { Prefix } from "../../../core/netip/prefix.ts";
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

export function writeOptionalAddress(address: IpAddress | undefined): Uint8Array {
  return address === undefined ? new Uint8Array() : addressBytes(address);
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

/** Undefined is absent on the wire, too: spread it into the message. */
export function writeOptionalEndpoint<Name extends string>(
  name: Name,
  value: Endpoint | undefined,
): { [name in Name]?: MessageInitShape<typeof pb.EndpointSchema> } {
  return (value === undefined ? {} : { [name]: writeEndpoint(value) }) as {
    [name in Name]?: MessageInitShape<typeof pb.EndpointSchema>;
  };
}

export function readPrefix({ address, bits }: pb.Prefix): Prefix {
  const network = readAddress(address);
  if (bits > (familyOf(network) === 4 ? 32 : 128)) throw new Malformed(`a prefix of ${bits} bits`);
  return { address: network, bits };
}

export function writePrefix({ address, bits }: Prefix): MessageInitShape<typeof pb.PrefixSchema> {
  return { address: addressBytes(address), bits };
}

export function readProgram(program: pb.PolicyProgram): PolicyProgram {
  return { inbound: program.inbound.map(readRule), outbound: program.outbound.map(readRule) };
}

export function writeProgram(program: PolicyProgram): MessageInitShape<typeof pb.PolicyProgramSchema> {
  return { inbound: program.inbound.map(writeRule), outbound: program.outbound.map(writeRule) };
}

function readRule(rule: pb.PolicyRule): PolicyRule {
  return {
    ruleId: rule.ruleId,
    protocol: named(ruleProtocols, rule.protocol, "rule protocol"),
    portFirst: readPort(rule.portFirst),
    portLast: readPort(rule.portLast),
    remote: rule.remote.map(readPrefix),
  };
}

function writeRule(rule: PolicyRule): MessageInitShape<typeof pb.PolicyRuleSchema> {
  const { ruleId, portFirst, portLast } = rule;
  return { ruleId, protocol: ruleProtocols[rule.protocol], portFirst, portLast, remote: rule.remote.map(writePrefix) };
}

export function readPort(port: number): number {
  if (port > PORT_MAX) throw new Malformed(`port ${port}`);
  return port;
}

const PORT_MAX = 65_535;

export const ciphers: Readonly<Record<Cipher, pb.Cipher>> = {
  aes: pb.Cipher.AES_256_GCM,
  chachapoly: pb.Cipher.CHACHA20_POLY1305,
};

export const recvErrorPolicies: Readonly<Record<RecvErrorPolicy, pb.RecvErrorPolicy>> = {
  always: pb.RecvErrorPolicy.ALWAYS,
  never: pb.RecvErrorPolicy.NEVER,
  private: pb.RecvErrorPolicy.PRIVATE,
};

const ruleProtocols: Readonly<Record<RuleProtocol, pb.RuleProtocol>> = {
  any: pb.RuleProtocol.ANY,
  tcp: pb.RuleProtocol.TCP,
  udp: pb.RuleProtocol.UDP,
  icmp: pb.RuleProtocol.ICMP,
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
