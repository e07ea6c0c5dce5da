import { lookup } from "node:dns/promises";
import { Fault } from "../core/base/fault.ts";
import type { Host, Settings } from "../core/config/settings.ts";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import { OperatorError, systemCode } from "./operator-error.ts";

/** As long as a start may wait for a resolver that does not answer. */
const LOOKUP_MS = 5_000;

/** The settings with the address that `listen.host` stands for: a name is resolved once, and the first address counts. */
export async function withListenAddress(
  settings: Settings,
  look: typeof firstAddress = firstAddress,
): Promise<Settings> {
  const { boot } = settings;
  const { host } = boot.listen;
  if (typeof host === "string") return settings;
  try {
    return { ...settings, boot: { ...boot, listen: { ...boot.listen, host: await look(host.name) } } };
  } catch (error) {
    throw new OperatorError("listen-host-unknown", {
      what: `cannot listen at ${host.name}`,
      why: `the name in listen.host does not resolve (${systemCode(error) || "no answer"})`,
      todo: `see what it resolves to: getent ahosts ${host.name} - or write an address of this machine, 0.0.0.0 or ::`,
    });
  }
}

/** The address that is listened at. */
export function listenAddress(host: Host): IpAddress {
  if (typeof host === "string") return host;
  throw new Fault("unresolved-host", "a name has to be resolved before anything listens there", { name: host.name });
}

/** What the system's resolver says first. Rejects when it says nothing. */
export async function firstAddress(name: string): Promise<IpAddress> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OperatorError("no-answer", NO_ANSWER)), LOOKUP_MS);
  });
  try {
    const { address } = await Promise.race([lookup(name), tooLate]);
    return parseAddress(address) ?? Promise.reject(new OperatorError("no-answer", NO_ANSWER));
  } finally {
    clearTimeout(timer);
  }
}

const NO_ANSWER = { what: "the resolver gave no address", why: "it did not answer", todo: "try again" };
