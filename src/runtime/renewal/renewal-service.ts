import { readUint32 } from "../../core/base/bytes.ts";
import { readClock } from "../clock.ts";
import type { Daemon } from "../daemon.ts";
import { osEntropy } from "../node-crypto.ts";
import { packageVersion } from "../package-root.ts";
import { Renewal } from "./renewal.ts";

/** The renewal of a daemon's certificate. What speaks TLS is loaded when there is something to say. */
export function renewalService(daemon: Daemon): Renewal {
  return new Renewal({
    settings: () => daemon.settings,
    clock: readClock,
    chance: () => readUint32(osEntropy.bytes(4), 0) / 2 ** 32,
    version: packageVersion(),
    ask: async (place, asked, signal) =>
      (await import("../enrolment/service-client.ts")).askRenewal(place, asked, signal),
    apply: () => void daemon.reload(),
    tell: (event) => daemon.events.tell(event),
  });
}
