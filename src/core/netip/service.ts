import type { RuleProtocol } from "../dataplane/contract.ts";
import { IpProtocol, isIcmp } from "./ip-protocol.ts";

/** Protocol and ports as a rule names them. */
export interface Service {
  readonly protocol: RuleProtocol;
  /** Inclusive; 0..65535 is any. */
  readonly portFirst: number;
  readonly portLast: number;
}

export const PORT_MAX = 65_535;

/** Whether the service is of this IP protocol. */
export function hasProtocol({ protocol }: Service, number: number): boolean {
  if (protocol === "any") return true;
  return protocol === "icmp" ? isIcmp(number) : number === IpProtocol[protocol];
}

/**
 * Whether a packet of this IP protocol uses one of its ports. ICMP has none: its own rules do not ask, and one for any protocol means it
 * only when any port will do.
 */
export function hasPort({ protocol, portFirst, portLast }: Service, number: number, port: number): boolean {
  if (protocol === "icmp") return true;
  if (isIcmp(number)) return portFirst === 0 && portLast === PORT_MAX;
  return portFirst <= port && port <= portLast;
}
