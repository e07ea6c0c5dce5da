import { fail, ok, type Result } from "../../base/result.ts";
import type { LocalIndex, Relay, RelayActivity } from "../contract.ts";
import { bad, type Refusal } from "./refusal.ts";
import type { Session } from "./session.ts";

/** Relays at once: two for each of 4,096 pairs of hosts that find each other through this one. */
const RELAYS_MAX = 8192;
/** Relays in one sample. */
const RELAYS_TOLD_MAX = 2048;

/** What to do with a message/1, by the index in it (SEMANTICS 2.2). */
export class RelayTable {
  readonly #relays = new Map<number, CountedRelay>();

  get(relayIndex: number): Relay | undefined {
    return this.#relays.get(relayIndex)?.relay;
  }

  set(relay: Relay): Result<void, Refusal> {
    if (!this.#relays.has(relay.relayIndex) && this.#relays.size >= RELAYS_MAX)
      return fail(bad("the relay table is full"));
    this.#relays.set(relay.relayIndex, { relay, packets: 0, bytes: 0, isNews: false });
    return ok(undefined);
  }

  remove(relayIndex: number): void {
    this.#relays.delete(relayIndex);
  }

  /** A relay goes with either of its sessions. */
  forget(session: LocalIndex): void {
    for (const [relayIndex, { relay }] of this.#relays)
      if (sessionsOf(relay).includes(session)) this.#relays.delete(relayIndex);
  }

  /** A frame of so many bytes has proved authentic. */
  count(relayIndex: number, bytes: number): void {
    const counted = this.#relays.get(relayIndex);
    if (!counted) return;
    counted.packets++;
    counted.bytes += bytes;
    counted.isNews = true;
  }

  /** What came through which of them, of those that something came through since they were told of last: a frame full. */
  takeActivity(): readonly RelayActivity[] {
    const news = this.#sorted().filter(({ isNews }) => isNews);
    return news.slice(0, RELAYS_TOLD_MAX).map((counted) => {
      counted.isNews = false;
      const { relay, packets, bytes } = counted;
      return { relayIndex: relay.relayIndex, packets: BigInt(packets), bytes: BigInt(bytes) };
    });
  }

  /** In ascending order of the relay index. */
  all(): readonly Relay[] {
    return this.#sorted().map(({ relay }) => relay);
  }

  #sorted(): readonly CountedRelay[] {
    return [...this.#relays.values()].sort((a, b) => a.relay.relayIndex - b.relay.relayIndex);
  }
}

interface CountedRelay {
  readonly relay: Relay;
  packets: number;
  bytes: number;
  /** Counted since it was told of last. */
  isNews: boolean;
}

function sessionsOf({ session, role }: Relay): readonly LocalIndex[] {
  return role.kind === "forward" ? [session, role.session] : [session];
}

/** Why this relay cannot be meant, between the sessions that it names: undefined where there is none. */
export function refusalOfRelay(relay: Relay, find: (index: LocalIndex) => Session | undefined): Refusal | undefined {
  const { relayIndex, remoteIndex, role } = relay;
  if (relayIndex === 0) return bad("the relay index is 0");
  if (role.kind === "terminal" && remoteIndex === 0) return bad("an end needs the index of the way back");
  if (role.kind === "forward" && role.relayIndex === 0) return bad("the relay index of the next hop is 0");
  const session = find(relay.session);
  const next = role.kind === "forward" ? find(role.session) : undefined;
  if (!session || (role.kind === "forward" && !next))
    return { code: "unknown-session", error: "no session has the local index of a hop" };
  const isBack = next ? next.peer === session.peer : false;
  const isItself = role.kind === "terminal" && session.peerAddresses.includes(role.peer);
  return isBack || isItself ? bad("both sides of a relay are one peer") : undefined;
}
