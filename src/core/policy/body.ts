import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { isRecord, parseJson } from "../base/json.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { AccessRule, AllowedService, PolicyBody, PolicyMode } from "./policy.ts";
import { readList } from "./read-list.ts";
import { parseAllowed, parseParty, partyText, serviceText } from "./words.ts";

/** What a bulletin of kind "policy" says to every host. */
export interface PolicyBulletin {
  /** Undefined: there is none any more, and every host goes by its own rules. */
  readonly policy: PolicyBody | undefined;
  /** Undefined: everybody goes by it. */
  readonly stage: PolicyStage | undefined;
}

/** A policy that only some hosts go by, and perhaps only for a while. */
export interface PolicyStage {
  /** Names of those that go by it already; undefined: everybody. */
  readonly hosts: readonly string[] | undefined;
  /** What the others go by, and these again when nothing newer comes; undefined: their own rules. */
  readonly before: PolicyBody | undefined;
  /** For how long it holds without a newer bulletin. */
  readonly seconds: number;
  /** How long after the signature it may still begin, where it was signed ahead; without it, at once. */
  readonly ahead?: number;
}

/** Rules of one policy. */
const RULES_MAX = 10_000;
/** Names and services of one rule, in each of its lists. */
const WORDS_MAX = 4_096;
/** Hosts that one stage names. */
const STAGE_HOSTS_MAX = 4_096;
/** Seconds after which a stage is over, whatever its author meant, and for which one may be signed ahead: a day. */
export const STAGE_SECONDS_MAX = 86_400;

/** As text that people can read: JSON, with rules in the words of `partyText` and `serviceText`. */
export function encodePolicyBulletin({ policy, stage }: PolicyBulletin): Uint8Array {
  const body = {
    format: FORMAT,
    policy: policy && plainPolicy(policy),
    ...(stage && { stage: { ...stage, before: stage.before && plainPolicy(stage.before) } }),
  };
  return utf8Encode(JSON.stringify(body));
}

/** Never throws. What a newer authority adds is passed over; what is there must make sense. */
export function decodePolicyBulletin(bytes: Uint8Array): Result<PolicyBulletin, string> {
  const text = utf8Decode(bytes);
  const body = text === undefined ? undefined : parseJson(text);
  if (!isRecord(body)) return fail("it is not a JSON object");
  if (body["format"] !== FORMAT) return fail("it is of a format that this version does not know");
  const policy = optional(body["policy"], policyOf);
  if (!policy.ok) return policy;
  const stage = optional(body["stage"], stageOf);
  return stage.ok ? ok({ policy: policy.value, stage: stage.value }) : stage;
}

/** What everybody goes by, as far as it is confirmed: of a policy that is being tried the one before. */
export function settledPolicy({ policy, stage }: PolicyBulletin): PolicyBody | undefined {
  return stage ? stage.before : policy;
}

const FORMAT = 1;

function plainPolicy({ place, mode, outbound, rules }: PolicyBody): object {
  return {
    place: abroad(place),
    mode,
    outbound,
    rules: rules.map((rule) => ({
      place: abroad(rule.place),
      mode: rule.mode,
      from: rule.from.map(partyText),
      to: rule.to.map(partyText),
      allow: rule.allow.map(serviceText),
    })),
  };
}

/** Where the file lies is a matter of the machine on which it is written. */
function abroad(place: string): string {
  return place.replace(/^.*\//, "");
}

function stageOf(value: unknown): Result<PolicyStage, string> {
  if (!isRecord(value)) return fail("its stage is not an object");
  const { hosts, seconds, ahead } = value;
  const before = optional(value["before"], policyOf);
  if (!before.ok) return before;
  if (hosts !== undefined && !isTexts(hosts, STAGE_HOSTS_MAX)) return fail("the hosts of its stage are not names");
  if (!isWhole(seconds) || seconds < 1 || seconds > STAGE_SECONDS_MAX)
    return fail("the time of its stage makes no sense");
  if (ahead === undefined) return ok({ hosts, seconds, before: before.value });
  if (!isWhole(ahead) || ahead < 1 || ahead > STAGE_SECONDS_MAX) return fail("when its stage may begin makes no sense");
  return ok({ hosts, seconds, before: before.value, ahead });
}

function policyOf(value: unknown): Result<PolicyBody, string> {
  if (!isRecord(value)) return fail("its policy is not an object");
  const { place, mode, outbound, rules } = value;
  if (typeof place !== "string" || place.length > PLACE_LENGTH_MAX || !isMode(mode))
    return fail("its policy has no place or no mode");
  if (outbound !== "any" && outbound !== "rules") return fail("what hosts may send is not said");
  if (!Array.isArray(rules) || rules.length > RULES_MAX)
    return fail(`its rules are not a list of at most ${RULES_MAX}`);
  const read: AccessRule[] = [];
  for (const each of rules) {
    const rule = ruleOf(each);
    if (!rule) return fail(`its rule ${read.length + 1} makes no sense`);
    read.push(rule);
  }
  return ok({ place, mode, outbound, rules: read });
}

/** Longer ones are no places. */
const PLACE_LENGTH_MAX = 512;

function ruleOf(value: unknown): AccessRule | undefined {
  if (!isRecord(value)) return undefined;
  const { place, mode } = value;
  const from = eachWord(value["from"], parseParty);
  const to = eachWord(value["to"], parseParty);
  const allow = eachWord(value["allow"], (text): AllowedService | undefined => {
    const service = parseAllowed(text);
    return service.ok ? service.value : undefined;
  });
  if (typeof place !== "string" || place.length > PLACE_LENGTH_MAX || !isMode(mode)) return undefined;
  return from && to && allow && { place, mode, from, to, allow };
}

/** Of a list of texts each one, read; undefined when one of them cannot be. */
function eachWord<Value>(list: unknown, read: (text: string) => Value | undefined): readonly Value[] | undefined {
  return readList(list, WORDS_MAX, (item) => (isWord(item) ? read(item) : undefined));
}

function optional<Value>(
  value: unknown,
  read: (value: unknown) => Result<Value, string>,
): Result<Value | undefined, string> {
  return value === undefined ? ok(undefined) : read(value);
}

function isMode(value: unknown): value is PolicyMode {
  return value === "enforce" || value === "audit";
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

function isTexts(value: unknown, most: number): value is readonly string[] {
  return Array.isArray(value) && value.length <= most && value.every(isWord);
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && value.length <= PLACE_LENGTH_MAX;
}
