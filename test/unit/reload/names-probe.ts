import { HostNames } from "../../../src/runtime/dns/host-names.ts";
import type { NameWish } from "../../../src/runtime/platform/platform.ts";
import type { Subject } from "./subject.ts";

const services = new WeakMap<Subject, { readonly service: HostNames; readonly told: Set<string> }>();

/** What tells the system's resolver of names, beside a resolver that remembers it. */
export async function startNames(subject: Subject): Promise<void> {
  const told = new Set<string>();
  const service = new HostNames(subject.settings, {
    owner: "config",
    device: () => "mesh0",
    answersAt: () => true,
    tell: () => {},
    resolver: {
      look: () => ({ file: "", manager: undefined, servers: [], others: [] }),
      recover: async () => {},
      wiring: async (mode) => ({
        how: mode,
        lookMs: 1_000_000,
        wire: async ({ domain }: NameWish) => {
          told.add(`${mode} ${domain}`);
          return false;
        },
        holds: async () => true,
        unwire: async () => {},
      }),
    },
  });
  services.set(subject, { service, told });
  await service.start();
}

/** What the resolver has been told, and is told of another device after a reload. */
export async function namesTold(subject: Subject): Promise<readonly string[]> {
  const { service, told } = services.get(subject)!;
  service.deviceIsUp();
  await service.stop();
  return [...told];
}
