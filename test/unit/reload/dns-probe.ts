import { readClock } from "../../../src/runtime/clock.ts";
import { DnsService } from "../../../src/runtime/dns/dns-service.ts";
import { freePort } from "../runtime/mesh-files.ts";
import type { Subject } from "./subject.ts";

/** Ports of this machine, one for each row, as configurations write them. */
export const DNS_PORTS: { readonly started: string; readonly moved: string; readonly other: string } = {
  started: String(await freePort()),
  moved: String(await freePort()),
  other: String(await freePort()),
};

const services = new WeakMap<Subject, DnsService>();
const told = new WeakMap<Subject, string[]>();

/** The DNS responder, made once, as the daemon makes it. */
export async function startDns(subject: Subject): Promise<void> {
  const places: string[] = [];
  const service = new DnsService({
    settings: () => subject.settings,
    directory: () => subject.host.node.directory(),
    find: () => Promise.resolve([]),
    now: () => readClock().now,
    tell: (event) => {
      if (event.code === "dns-listening") places.splice(0, places.length, ...event.places);
      if (event.code === "dns-not-listening") places.splice(0, places.length, event.why);
    },
  });
  services.set(subject, service);
  told.set(subject, places);
  await service.start();
}

/** Where it listens after a reload, or what it says instead. */
export async function dnsPlaces(subject: Subject): Promise<readonly string[]> {
  const service = services.get(subject)!;
  service.reload();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await service.stop();
  return told.get(subject) ?? [];
}
