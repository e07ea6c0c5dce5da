import type { Daemon } from "../daemon.ts";
import type { Machine } from "../network.ts";
import { program } from "../program.ts";

/** What nat-classify finds out of a translator. */
export interface NatVerdict {
  /** Undefined when not even a question was answered. */
  readonly mapping?: {
    readonly kind: "endpoint-independent" | "address" | "address and port";
    /** As which the host is seen. */
    readonly address: string;
    readonly portKept: boolean;
    /** As which a single local port was seen by the four sockets of the observer, in the order in which they were asked. */
    readonly ports: readonly number[];
  };
  readonly filtering?: "endpoint-independent" | "address" | "address and port";
  readonly portAfterCollision?: "kept" | "another";
}

const PORTS = [5001, 5002] as const;

/** The far side: four sockets on a public machine with two addresses. */
export async function startObserver(machine: Machine): Promise<Daemon> {
  const observer = machine.start("nat-observer", ...program("nat-observer", ...observed(machine)));
  await observer.becomes("it listens", () => machine.hasUdpPort(PORTS[1]));
  return observer;
}

/** Finds out what is between a machine and an observer. */
export async function classify(machine: Machine, observer: Machine, firstLocalPort = 42_000): Promise<NatVerdict> {
  return JSON.parse(await machine.must(...program("nat-classify", ...observed(observer), firstLocalPort)));
}

function observed(machine: Machine): readonly (string | number)[] {
  const addresses = machine.addresses.filter((address) => !address.includes(":"));
  return [...addresses.slice(0, 2), ...PORTS];
}
