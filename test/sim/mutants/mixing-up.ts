import type { Clock } from "../../../src/core/base/time.ts";
import type { DataPlaneEvent, LocalIndex } from "../../../src/core/dataplane/contract.ts";
import type { Deadline, Input, Output } from "../../../src/core/io.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Route } from "../../../src/core/route/route.ts";
import { realParts } from "../cast/parts.ts";
import type { NatBehaviour } from "../nat/behaviour.ts";
import { NatBox } from "../nat/nat-box.ts";
import type { ControlPlane, Parts } from "../world/host.ts";
import { obeying, obeyingInTurn } from "./wrong-hosts.ts";

// Hosts, and NATs around them, that confuse one thing with another, to prove that the referee would notice.

/** The NATs do something else than the topology tells the predicate. */
export function lyingNats(truth: Partial<NatBehaviour>): Parts {
  return {
    ...realParts,
    natBox: (told, address, random) => new NatBox({ ...told, ...truth }, address, random),
  };
}

/** The node never says that it wants to be called for this. */
export function losingDeadline(lost: RegExp): Parts {
  return { ...realParts, control: (...args) => new DeafToTime(realParts.control(...args), lost) };
}

/** Events of one kind reach the machine of another session: the one that the last event of that kind was about. */
export function swappingSessions(kind: DataPlaneEvent["kind"]): Parts {
  return { ...realParts, control: (...args) => new Confused(realParts.control(...args), kind) };
}

/** The data plane lets each new session have the addresses of the one before, too. */
export function sharingSessions(): Parts {
  return obeyingInTurn(() => {
    let before: readonly IpAddress[] = [];
    return (command) => {
      if (command.kind !== "install-session") return command;
      const shared = [...new Set([...command.peerAddresses, ...before])];
      before = command.peerAddresses;
      return { ...command, peerAddresses: shared };
    };
  });
}

/** The data plane sends what is for one of these addresses through the peer at the next one. */
export function leakingTo(addresses: readonly IpAddress[]): Parts {
  return obeying((command) => {
    if (command.kind !== "apply-routes") return command;
    const isOwn = (address: IpAddress): boolean =>
      command.routes.some(({ prefix, target }) => target.kind === "own" && prefix.address === address);
    const leaks = addresses.flatMap((address, at): Route[] => {
      const next = addresses[(at + 1) % addresses.length];
      if (next === undefined || isOwn(address) || isOwn(next)) return [];
      const target = { kind: "gateways", gateways: [{ address: next, weight: 1 }] } as const;
      return [{ prefix: { address, bits: 32 }, target }];
    });
    return { ...command, routes: [...command.routes, ...leaks] };
  });
}

class DeafToTime implements ControlPlane {
  readonly #honest: ControlPlane;
  readonly #lost: RegExp;

  constructor(honest: ControlPlane, lost: RegExp) {
    this.#honest = honest;
    this.#lost = lost;
  }

  handle(input: Input, clock: Clock): void {
    this.#honest.handle(input, clock);
  }

  poll(): Output | undefined {
    return this.#honest.poll();
  }

  pollTimeout(): Deadline | undefined {
    const first = this.#honest.pollTimeout();
    return first && this.#lost.test(first.why) ? undefined : first;
  }
}

class Confused implements ControlPlane {
  readonly #honest: ControlPlane;
  readonly #kind: DataPlaneEvent["kind"];
  #last: LocalIndex | undefined;

  constructor(honest: ControlPlane, kind: DataPlaneEvent["kind"]) {
    this.#honest = honest;
    this.#kind = kind;
  }

  handle(input: Input, clock: Clock): void {
    this.#honest.handle(this.#swapped(input), clock);
  }

  poll(): Output | undefined {
    return this.#honest.poll();
  }

  pollTimeout(): Deadline | undefined {
    return this.#honest.pollTimeout();
  }

  #swapped(input: Input): Input {
    if (input.kind !== "data-plane" || input.event.kind !== this.#kind) return input;
    if (!("localIndex" in input.event) || input.event.localIndex === undefined) return input;
    const localIndex = this.#last ?? input.event.localIndex;
    this.#last = input.event.localIndex;
    return { ...input, event: { ...input.event, localIndex } };
  }
}
