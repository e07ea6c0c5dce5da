import { readUint32 } from "../../core/base/bytes.ts";
import { readClock } from "../clock.ts";
import type { Daemon } from "../daemon.ts";
import { osEntropy } from "../node-crypto.ts";
import { packageVersion } from "../package-root.ts";
import type { Service } from "../service.ts";
import { Authorities } from "./authorities.ts";
import { firstHostCommand } from "./first-host.ts";
import { Renewal } from "./renewal.ts";

/** What keeps a daemon's own files good: its certificate in time, its authorities when one hands over to another. */
export function renewalServices(daemon: Daemon): readonly Service[] {
  const apply = (): void => void daemon.reload();
  const settings = (): Daemon["settings"] => daemon.settings;
  const authorities = new Authorities({
    settings,
    bulletins: daemon.bulletins,
    apply,
    signedAnew: () => renewal.reload(),
  });
  const renewal = new Renewal({
    settings,
    clock: readClock,
    chance: () => readUint32(osEntropy.bytes(4), 0) / 2 ** 32,
    version: packageVersion(),
    dueBefore: (certificate) => authorities.dueAt(certificate),
    // What speaks TLS is loaded when there is something to say.
    ask: async (place, asked, signal) =>
      (await import("../enrolment/service-client.ts")).askRenewal(place, asked, signal),
    apply,
    tell: (event) => daemon.events.tell(event),
    onFirstHost: () => firstHostCommand(daemon.settings.live, daemon.config),
  });
  return [renewal, authorities];
}
