import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { isRecord, parseJson } from "../base/json.ts";
import { momentText } from "../base/moment.ts";
import { fail, ok, type Result } from "../base/result.ts";
import { debugGroupOf } from "../cert/debug-group.ts";
import type { Rule } from "../firewall/rule.ts";
import { hostPrefix } from "../netip/prefix.ts";
import { packetsOf } from "./compile.ts";
import type { AllowedService, HostFacts } from "./policy.ts";
import { readList } from "./read-list.ts";
import { isPlainName, parseAllowed, serviceText } from "./words.ts";

// The body of a bulletin of kind "debug-access", JSON: every guest that there is, in place of those of before.
//
//   {"format": 1, "access": [{"group": "debug:0123456789abcdef", "name": "laptop", "until": 1795874520, "targets": [{"host": "db1", "allow": ["tcp/5432"]}]}]}

/** What one guest may do, and until when. */
export interface DebugAccess {
  /** Of its certificate, and of no other one. */
  readonly group: string;
  /** What it is called, for people. */
  readonly name: string;
  /** Unix seconds. */
  readonly until: number;
  readonly targets: readonly DebugTarget[];
}

export interface DebugTarget {
  /** Name of a host. */
  readonly host: string;
  readonly allow: readonly AllowedService[];
}

/** Guests of a network at a time. */
export const GUESTS_MAX = 256;
/** Hosts that one guest may reach, and services on one of them. */
export const TARGETS_MAX = 256;
export const SERVICES_MAX = 32;

export function encodeDebugAccess(access: readonly DebugAccess[]): Uint8Array {
  return utf8Encode(JSON.stringify({ format: FORMAT, access: access.map(plainAccess) }));
}

/** One guest's as the objects of its JSON. */
export function plainAccess({ group, name, until, targets }: DebugAccess): object {
  return { group, name, until, targets: targets.map(({ host, allow }) => ({ host, allow: allow.map(serviceText) })) };
}

/** Never throws. What a newer authority adds is passed over; what is there must make sense. */
export function decodeDebugAccess(bytes: Uint8Array): Result<readonly DebugAccess[], string> {
  const body = parseJson(utf8Decode(bytes) ?? "");
  if (!isRecord(body)) return fail("it is not a JSON object");
  if (body["format"] !== FORMAT) return fail("it is of a format that this version does not know");
  const all = readList(body["access"], GUESTS_MAX, accessOf);
  return all ? ok(all) : fail("its guests make no sense");
}

/** Reads what `plainAccess` has made. */
export function accessOf(value: unknown): DebugAccess | undefined {
  if (!isRecord(value)) return undefined;
  const { group, name, until } = value;
  if (typeof group !== "string" || debugGroupOf([group]) === undefined) return undefined;
  if (typeof name !== "string" || !isPlainName(name)) return undefined;
  if (typeof until !== "number" || !Number.isSafeInteger(until)) return undefined;
  const targets = readList(value["targets"], TARGETS_MAX, targetOf);
  return targets && { group, name, until, targets };
}

/** What guests may reach on this host at this time. */
export function debugRules(
  access: readonly DebugAccess[],
  { name, addresses }: Pick<HostFacts, "name" | "addresses">,
  nowSeconds: number,
): readonly Rule[] {
  const standing = access.filter(({ until }) => until > nowSeconds);
  return standing
    .flatMap((guest) =>
      servicesOn(guest, name).flatMap((service) =>
        // The host itself, whatever lies behind it.
        addresses.map((address) => ({
          ...packetsOf(service),
          host: undefined,
          groups: [guest.group],
          cidr: undefined,
          localCidr: hostPrefix(address),
          caName: undefined,
          caSha: undefined,
          place: `debug access of ${guest.name} until ${momentText(guest.until)}`,
        })),
      ),
    )
    .map((rule, i) => ({ ...rule, ruleId: i }));
}

/** What a guest may reach on a host. */
export function servicesOn({ targets }: DebugAccess, name: string): readonly AllowedService[] {
  return targets.flatMap(({ host, allow }) => (host === name ? allow : []));
}

const FORMAT = 1;

function targetOf(value: unknown): DebugTarget | undefined {
  if (!isRecord(value)) return undefined;
  const { host } = value;
  if (typeof host !== "string" || !isPlainName(host)) return undefined;
  const allow = readList(value["allow"], SERVICES_MAX, (text) => {
    const service = typeof text === "string" ? parseAllowed(text) : undefined;
    return service?.ok ? service.value : undefined;
  });
  return allow && { host, allow };
}
