import type { Platform } from "../platform.ts";
import { ADVICE } from "./device-advice.ts";
import { FORWARDING } from "./forwarding.ts";
import { PLACES } from "./places.ts";
import { PROCESSES } from "./processes.ts";
import { RESOLVER } from "./resolver/resolver.ts";
import { routedNetworks } from "./routed-networks.ts";
import { SECRECY } from "./secrecy.ts";
import { SOCKETS } from "./sockets.ts";
import { SYSTEMD } from "./systemd.ts";
import { TRUSTED_PATHS } from "./trusted-path.ts";
import { wayOut } from "./way-out.ts";

export const LINUX: Platform = {
  processes: PROCESSES,
  places: PLACES,
  paths: TRUSTED_PATHS,
  advice: ADVICE,
  secrecy: SECRECY,
  sockets: SOCKETS,
  forwarding: FORWARDING,
  resolver: RESOLVER,
  supervisor: SYSTEMD,
  routedNetworks,
  wayOut,
};
