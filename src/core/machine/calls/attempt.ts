import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import { isPrivate } from "../../netip/special.ts";
import type { Call } from "../../peer/call.ts";

/** What an attempt asks about a place where its host may be. */
export interface PlacesPorts {
  /** Whether more than somebody's word says that the host is there. */
  isProven(target: IpAddress, at: Endpoint): boolean;
  /** Whose word says so. */
  namedBy(target: IpAddress, at: Endpoint): readonly IpAddress[];
  /** One more message 1 to a place that `owner` has named; false when it must not be sent. */
  mayProbe(kind: "call", owner: IpAddress, at: Endpoint): boolean;
}

/** Endpoints that one attempt goes to for certain. A host that is at more of them is tried at its best ones. */
const PROVEN_PER_ATTEMPT_MAX = 32;
/**
 * Messages 1 of one call to places that one lighthouse has named: so many in the first attempt, and so many more in each that follows. Hosts
 * are said to be at two or three places, which all get every attempt; a list of twenty gets two each in a whole call, however often it changes.
 */
const UNPROVEN_AT_FIRST = 8;
const UNPROVEN_PER_ATTEMPT = 4;
/** Of them, to all ports of one address. */
const PER_ADDRESS_MAX = 10;
/** Of them, to private addresses: they are on a LAN that we share or on none, and nobody may have us search it. */
const PRIVATE_MAX = 10;
/** To a place where somebody else seems to be, no more often than this: whoever says so may have forged where the answer came from. */
const DOUBTED_INTERVAL_MS = 500;

/** What one call has spent on the words of one lighthouse. */
export class Spent {
  #all = 0;
  #onLan = 0;
  readonly #byAddress = new Map<IpAddress, number>();

  /** Whether attempt number `attempt` may go there, too. */
  allows(at: Endpoint, attempt: number): boolean {
    const address = endpointAddress(at);
    if (this.#all >= UNPROVEN_AT_FIRST + UNPROVEN_PER_ATTEMPT * (attempt - 1)) return false;
    if (isPrivate(address) && this.#onLan >= PRIVATE_MAX) return false;
    return (this.#byAddress.get(address) ?? 0) < PER_ADDRESS_MAX;
  }

  add(at: Endpoint): void {
    const address = endpointAddress(at);
    this.#all++;
    if (isPrivate(address)) this.#onLan++;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }
}

/** The call, and what it has spent on whose word. */
type SpendingCall = Call & { readonly spent: Map<IpAddress, Spent> };

/** Where this attempt goes: what is certain first, then what was tried least. Counts what it spends. */
export function placesToCall(
  call: SpendingCall,
  known: readonly Endpoint[],
  ports: PlacesPorts,
  now: Instant,
): readonly Endpoint[] {
  const due = known.filter((at) => isDue(call, at, now));
  const isProven = (at: Endpoint): boolean => ports.isProven(call.target, at);
  const timesTried = (at: Endpoint): number => call.tried.get(at)?.times ?? 0;
  const unproven = due.filter((at) => !isProven(at)).sort((a, b) => timesTried(a) - timesTried(b));
  return [
    ...due.filter(isProven).slice(0, PROVEN_PER_ATTEMPT_MAX),
    ...unproven.filter((at) => ports.namedBy(call.target, at).some((owner) => spend(call, owner, at, ports))),
  ];
}

function isDue({ tried, doubtful }: Call, at: Endpoint, now: Instant): boolean {
  const last = tried.get(at)?.at;
  return last === undefined || !doubtful.has(at) || now - last >= DOUBTED_INTERVAL_MS;
}

function spend({ attempt, spent }: SpendingCall, owner: IpAddress, at: Endpoint, ports: PlacesPorts): boolean {
  const own = spent.get(owner) ?? new Spent();
  if (!own.allows(at, attempt) || !ports.mayProbe("call", owner, at)) return false;
  own.add(at);
  spent.set(owner, own);
  return true;
}
