import { familyOf, type IpAddress } from "../netip/address.ts";
import { icmpMessage } from "../netip/icmp-message.ts";
import { IpProtocol } from "../netip/ip-protocol.ts";
import type { PacketAddresses } from "../wire/explanation.ts";

/** What somebody asks about: "tcp/5432". */
export type AskedService =
  | { readonly protocol: number; readonly port: number }
  /** Of either family: types as each of them numbers them. */
  | { readonly protocol: "icmp"; readonly types: { readonly v4: number; readonly v6: number } };

/** The packet that would open a flow of this service between two addresses. */
export function firstPacket(service: AskedService, source: IpAddress, destination: IpAddress): PacketAddresses {
  const ends = { source, destination, sourcePort: 0 };
  if (service.protocol !== "icmp") {
    const { protocol, port: destinationPort } = service;
    return { ...ends, protocol, destinationPort, icmpMessage: undefined };
  }
  const isIpv4 = familyOf(destination) === 4;
  const protocol = isIpv4 ? IpProtocol.icmp : IpProtocol.icmpv6;
  const type = isIpv4 ? service.types.v4 : service.types.v6;
  return { ...ends, protocol, destinationPort: 0, icmpMessage: icmpMessage(protocol, type) };
}
