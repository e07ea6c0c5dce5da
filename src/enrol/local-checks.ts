import { createSocket } from "node:dgram";
import { accessSync, constants } from "node:fs";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { overlayDoubt } from "../core/netip/overlay-network.ts";
import { formatPrefix, masked, overlaps, type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { listenRefusal } from "../runtime/listen-refusal.ts";
import { listenTcp } from "../runtime/listen-tcp.ts";
import { ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";

// What can be known on this machine alone, before anybody is asked for anything.

/** Networks that this machine is in or has a way to. */
export function networksHere(): readonly Prefix[] {
  const own = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal }) => !internal)
    .flatMap(({ cidr }) => parsePrefix(cidr ?? "") ?? []);
  return [...own.map(masked), ...thisPlatform().routedNetworks()];
}

/** Refuses an overlay network that takes the place of one that this machine is in: packets would go to the wrong one. */
export function refuseOverlap(wanted: readonly Prefix[], here: readonly Prefix[], todo: string): void {
  for (const network of wanted) {
    const hit = here.find((each) => overlaps(each, network));
    if (!hit) continue;
    throw new OperatorError("network-overlaps", {
      what: `the network ${formatPrefix(masked(network))}`,
      why: `this machine has a way to ${formatPrefix(hit)} already, and addresses of both would be mistaken for each other`,
      todo,
    });
  }
}

/** Refuses a network whose addresses no host can have, whoever has thought of it. */
export function refuseUnusable(wanted: readonly Prefix[]): void {
  for (const network of wanted) {
    const doubt = overlayDoubt(network);
    if (doubt?.is !== "no") continue;
    throw new OperatorError("network-unusable", {
      what: `the network ${formatPrefix(masked(network))}`,
      why: doubt.why,
      todo: "tell whoever runs the network: it needs another one, such as 10.77.0.0/24",
    });
  }
}

/** Refuses whoever may not change what a host is on this machine, with the command to type. */
export function refuseWithoutPrivilege(what: string, command: string): void {
  if (process.getuid?.() === 0) return;
  throw new OperatorError(
    "not-permitted",
    {
      what,
      why: "that takes root: a network device, a service, and files that only it may read",
      todo: `sudo ${command}`,
    },
    ExitCode.notPermitted,
  );
}

/** Refuses a machine without TUN devices. */
export function refuseWithoutTun(): void {
  const { advice, places } = thisPlatform();
  try {
    accessSync(places.tunNode, constants.R_OK | constants.W_OK);
  } catch (error) {
    const missing = systemCode(error) === "ENOENT";
    throw new OperatorError("no-tun", {
      what: "cannot make a network device",
      why: missing ? `${places.tunNode} is missing` : `${places.tunNode} is closed to this user`,
      todo: missing ? advice.loadTun() : advice.examineTun(),
    });
  }
}

/** Refuses a port that somebody has. */
export async function refuseTakenPort(port: number): Promise<void> {
  const { advice } = thisPlatform();
  const taken = (protocol: string, error: unknown): OperatorError =>
    new OperatorError("port-taken", {
      what: `cannot listen on ${protocol} port ${port}`,
      why: listenRefusal(error),
      todo: advice.freePort(port, "the port of --endpoint"),
    });
  const udp = createSocket({ type: "udp6" });
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind(port, () => udp.close(() => resolve()));
  }).catch((error) => {
    if (systemCode(error) === "EADDRINUSE" || systemCode(error) === "EACCES") throw taken("UDP", error);
  });
  const tcp = createServer();
  await listenTcp(tcp, { host: undefined, port }).catch((error) => {
    throw taken("TCP", error);
  });
  await new Promise<void>((resolve) => tcp.close(() => resolve()));
}

/** Whether somebody on this machine takes TCP connections at a port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "localhost", port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
