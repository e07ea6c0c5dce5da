import type { Brand } from "../base/brand.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";

/** The relay on a way, as people read it: "via 10.77.0.9". */
export type Via = Brand<string, "Via">;
/** Where somebody is called or was heard: straight at an endpoint, or through a relay, whatever sessions and indexes that takes at the moment. */
export type Place = Endpoint | Via;

export function via(relay: IpAddress): Via {
  return `via ${relay}` as Via;
}
