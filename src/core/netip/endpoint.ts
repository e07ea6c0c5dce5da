import type { Brand } from "../base/brand.ts";
import { familyOf, type IpAddress, parseAddress } from "./address.ts";

/** An underlay UDP address as its canonical text ("192.0.2.1:4242", "[2001:db8::1]:4242"). Comparable with ===. */
export type Endpoint = Brand<string, "Endpoint">;

export function endpoint(address: IpAddress, port: number): Endpoint {
  return (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`) as Endpoint;
}

/** Reads "address:port" with a literal address; undefined when it is none or the port is not 1..65535. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const address = parseAddress(match[1] ?? match[2] ?? "");
  const port = Number(match[3]);
  return address && port >= 1 && port <= 65_535 ? endpoint(address, port) : undefined;
}

export function endpointAddress(value: Endpoint): IpAddress {
  const colon = value.lastIndexOf(":");
  return (value.startsWith("[") ? value.slice(1, colon - 1) : value.slice(0, colon)) as IpAddress;
}

export function endpointPort(value: Endpoint): number {
  return Number(value.slice(value.lastIndexOf(":") + 1));
}

/** The first `count` of each family, in their order. */
export function firstOfEachFamily(endpoints: readonly Endpoint[], count: number): readonly Endpoint[] {
  const seen = { 4: 0, 6: 0 };
  return endpoints.filter((value) => ++seen[familyOf(endpointAddress(value))] <= count);
}
