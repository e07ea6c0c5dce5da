import type { IpAddress } from "../../../core/netip/address.ts";
import { ownPlace } from "./discover.ts";
import { elementsIn, textIn } from "./xml.ts";

/** What a router can be told about its ports: a kind of service, and where its commands go. */
export interface Connection {
  readonly type: string;
  readonly control: URL;
}

/** In the order in which they are asked: a router that dials in has both, and the address is the dialled one's. */
const TYPES = ["WANIPConnection:2", "WANIPConnection:1", "WANPPPConnection:1"].map(
  (type) => `urn:schemas-upnp-org:service:${type}`,
);
/** Routers with more ways out than these are not asked for all of them. */
const CONNECTIONS_MAX = 4;

/** The services of a router's description (UPnP Device Architecture 2.0, 2.3) that map ports; none when it makes no sense. */
export function connectionsIn(description: string, place: URL, gateway: IpAddress): readonly Connection[] {
  const [stated] = elementsIn(description, "URLBase");
  const base = (stated && ownPlace(stated.textContent?.trim() ?? "", undefined, gateway)) ?? place;
  const found = elementsIn(description, "service").flatMap((service) => {
    const type = textIn(service, "serviceType") ?? "";
    const control = ownPlace(textIn(service, "controlURL") ?? "", base, gateway);
    return control && TYPES.includes(type) ? [{ type, control }] : [];
  });
  return found.toSorted((a, b) => TYPES.indexOf(a.type) - TYPES.indexOf(b.type)).slice(0, CONNECTIONS_MAX);
}
