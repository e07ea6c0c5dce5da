import { hasSystemDevice, type Settings } from "../../core/config/settings.ts";
import type { LocalPlace } from "../../core/discovery/own-places.ts";
import type { Input } from "../../core/io.ts";
import type { Endpoint } from "../../core/netip/endpoint.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { listenAddress } from "../listen-address.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import { PortMapping } from "../port-mapping/port-mapping.ts";
import { UnderlayWatch } from "./underlay-watch.ts";

/** What tells the node where this machine is: the kernel of its addresses, the router in front of a port that leads here. */
export interface OwnPlace {
  readonly underlay: UnderlayWatch;
  readonly portMapping: PortMapping;
}

/** Makes them; they begin as services do. */
export function ownPlace(
  settings: Settings,
  { feed, tell }: { readonly feed: (input: Input) => void; readonly tell: (event: OperatorEvent) => void },
): OwnPlace {
  let place: LocalPlace = { addresses: [] };
  let mapped: Endpoint | undefined;
  const tellPlace = (): void => feed({ kind: "local-addresses", ...place, mapped });
  const portMapping = new PortMapping(settings, {
    wayOut: () => thisPlatform().wayOut(),
    mapped: (at) => {
      mapped = at;
      tellPlace();
    },
    tell,
  });
  const underlay = new UnderlayWatch({
    overlay: settings.live.identity.credential.networks,
    hasDevice: hasSystemDevice(settings.boot.tun),
    listen: listenAddress(settings.boot.listen.host),
    changed: (now) => {
      place = now;
      tellPlace();
      portMapping.look();
    },
    tell,
  });
  return { underlay, portMapping };
}
