import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { PortMapping } from "../../../src/runtime/port-mapping/port-mapping.ts";
import type { Subject } from "./subject.ts";

const services = new WeakMap<Subject, { readonly service: PortMapping; readonly end: () => boolean }>();

/** What asks the router, beside a router that counts what it is asked. */
export async function startPortMapping(subject: Subject): Promise<void> {
  const router = createSocket("udp4").bind(0, "127.0.0.1");
  await once(router, "listening");
  let asked = 0;
  router.on("message", () => asked++);
  const service = new PortMapping(subject.settings, {
    wayOut: () => ({ gateway: "127.0.0.1" as IpAddress, client: "192.168.1.2" as IpAddress }),
    mapped: () => {},
    tell: () => {},
    routerPort: router.address().port,
  });
  services.set(subject, {
    service,
    end: () => {
      router.close();
      return asked > 0;
    },
  });
  service.listening(4_242);
}

/** Whether the router is asked for a port after a reload. */
export async function routerIsAsked(subject: Subject): Promise<boolean> {
  const { service, end } = services.get(subject)!;
  service.reload({ settings: subject.settings });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await service.stop();
  return end();
}
