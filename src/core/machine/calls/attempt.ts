import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import { isPrivate } from "../../netip/special.ts";
import type { PendingCall } from "./pending-calls.ts";

/** What an attempt asks about a place where its host may be. */
export interface PlacesPorts {
  /** Whether more than somebody's word says that the host is there. */
  isProven(target: IpAddress, at: Endpoint): boolean;
  /** One more message 1 to where the host is said to be; false when it must not be sent. */
  mayProbe(kind: "call", target: IpAddress, at: Endpoint): boolean;
}

/** Endpoints that one attempt goes to for certain. A host that is at more of them is tried at its best ones. */
const PROVEN_PER_ATTEMPT_MAX = 32;
/**
 * Messages 1 to places that only somebody's word speaks for: so many in the first attempt, and so many more in each that follows. Hosts are
 * said to be at two or three places, which all get every attempt; a list of twenty gets two each in a whole call, however often it changes.
 */
const UNPROVEN_AT_FIRST = 8;
const UNPROVEN_PER_ATTEMPT = 4;
/** Of them, to private addresses: they are on a LAN that we share or on none, and nobody may have us search it. */
const PRIVATE_PER_CALL_MAX = 10;
/** To a place where somebody else seems to be, no more often than this: whoever says so may have forged where the answer came from. */
const DOUBTED_INTERVAL_MS = 800;

/** Where this attempt goes: what is certain first, then what was tried least. Counts what it spends. */
export function placesToCall(
  call: PendingCall,
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
    ...unproven.filter((at) => spend(call, at) && ports.mayProbe("call", call.target, at)),
  ];
}

function isDue({ tried, doubtful }: PendingCall, at: Endpoint, now: Instant): boolean {
  const last = tried.get(at)?.at;
  return last === undefined || !doubtful.has(at) || now - last >= DOUBTED_INTERVAL_MS;
}

function spend({ attempt, unproven }: PendingCall, at: Endpoint): boolean {
  if (unproven.sent >= UNPROVEN_AT_FIRST + UNPROVEN_PER_ATTEMPT * (attempt - 1)) return false;
  const isOnLan = isPrivate(endpointAddress(at));
  if (isOnLan && unproven.sentToPrivate >= PRIVATE_PER_CALL_MAX) return false;
  unproven.sent++;
  if (isOnLan) unproven.sentToPrivate++;
  return true;
}
