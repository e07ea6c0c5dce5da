import { CarrierService } from "../../../src/runtime/carrier/carrier-service.ts";
import { freePort } from "../runtime/mesh-files.ts";
import type { Subject } from "./subject.ts";

/** A port of this machine, as configurations write it. */
export const CARRIER_PORT = String(await freePort());

const services = new WeakMap<Subject, CarrierService>();

/** What makes connections over TCP and takes them, made once, as the daemon makes it. */
export async function startCarrier(subject: Subject): Promise<void> {
  const service = new CarrierService(subject.settings, {
    feed: () => {},
    tell: () => {},
    dataPlanePort: () => undefined,
  });
  services.set(subject, service);
  await service.start();
}

/** Where connections are taken after a reload. */
export async function carrierPlace(subject: Subject): Promise<string | null> {
  const service = services.get(subject)!;
  service.reload({ settings: subject.settings });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { listening } = service.describe();
  service.stop();
  return listening;
}

/** Where a lighthouse is looked for over TCP whose UDP fails. */
export function tcpPlaces(subject: Subject): unknown {
  subject.mesh.delivers = () => false;
  subject.mesh.run(20_000);
  return subject.mesh.tcp.ordered(subject.host, "open")[0];
}
