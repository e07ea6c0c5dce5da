import { describe, expect, test } from "vitest";
import { createAuthority, formatBulletin, signBulletin } from "../../../certs/index.ts";
import type { StatusReport } from "../../../src/admin/status-report.ts";
import { signedAhead } from "../../../src/cli/policy/signed-ahead.ts";
import { forGood, stagesOf } from "../../../src/cli/policy/stages.ts";
import { encodePolicyBulletin, type PolicyBulletin } from "../../../src/core/policy/body.ts";
import { policyOf } from "../../property/policy/read-policy.ts";

const SIGNED_AT = 1_800_000_000;
const HOUR = 3_600;
const [OLD, NEW, OTHER] = ["tcp/22", "tcp/80", "udp"].map((allow) =>
  policyOf(`rules:\n  - {from: any, to: any, allow: ${allow}}\n`),
);
const HOSTS = Array.from({ length: 12 }, (_, i) => `host${i}`);

/** All steps from one policy to the next, and the way back. */
function steps(before = OLD, after = NEW): readonly PolicyBulletin[] {
  return [...stagesOf(before, after, HOSTS, 24 * HOUR), forGood(before)].map(({ bulletin }) => bulletin);
}

interface Change {
  readonly bulletins?: readonly PolicyBulletin[];
  readonly text?: (text: string) => string;
  readonly first?: number;
  readonly kind?: string;
  readonly settled?: number;
  readonly before?: typeof OLD;
  readonly file?: typeof OLD;
  readonly hours?: number;
  readonly up?: readonly string[];
}

/** What is refused about steps that were signed, or how many there are. */
function tried(change: Change = {}): string | number {
  const { bulletins = steps(), first = 8, kind = "policy", settled = 7, before = OLD, file = NEW } = change;
  const signed = bulletins.map((bulletin, i) => sign(kind, first + i, encodePolicyBulletin(bulletin))).join("");
  const peers = (change.up ?? HOSTS).map((name) => ({ name, state: "up" }));
  const status = { peers } as unknown as StatusReport;
  const now = () => SIGNED_AT + (change.hours ?? 1) * HOUR;
  try {
    const text = change.text?.(signed) ?? signed;
    return signedAhead(text, { policy: file, now }, { status, before: { number: settled, policy: before } }).stages
      .length;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

const made = createAuthority({ name: "mesh", notBefore: BigInt(SIGNED_AT - HOUR), notAfter: BigInt(SIGNED_AT + 1e6) });
if (!made.ok) throw new Error(made.reason.why);
const { authority } = made.value;

function sign(kind: string, number: number, body: Uint8Array): string {
  const signed = signBulletin(authority, { kind, number, issuedAt: SIGNED_AT, body });
  if (!signed.ok) throw new Error(signed.reason.why);
  return formatBulletin(signed.value);
}

describe("steps of a policy that were signed elsewhere", () => {
  test("are taken for a day, with their way back", () => {
    expect(tried()).toBe(4);
    expect(tried({ hours: 23 })).toBe(4);
    expect(tried({ bulletins: [forGood(NEW).bulletin], hours: 1_000 })).toBe(1);
  });

  const refusals: readonly (readonly [string, Change, RegExp])[] = [
    ["that are damaged", { text: (text) => text.replace("BULLETIN", "BULETIN") }, /it cannot be read/],
    ["about something else", { kind: "revocations" }, /it holds a bulletin about revocations/],
    ["of another policy than the file", { file: OTHER! }, /it is for another policy than this file/],
    [
      "some of which are of another policy",
      { bulletins: [...steps().slice(0, 2), ...steps(OLD, OTHER).slice(2)] },
      /another policy than this file/,
    ],
    ["of which the last is missing", { bulletins: steps().slice(0, -2) }, /does not hold all steps/],
    ["without the way back", { bulletins: steps().slice(0, -1) }, /does not hold all steps/],
    [
      "whose numbers others have used meanwhile",
      { settled: 8 },
      /begins with policy 8, and the authority's last word here is 8/,
    ],
    ["from before a number that hosts do not know", { settled: 5 }, /begins with policy 8/],
    [
      "that lead back to another policy than the one of now",
      { before: OTHER! },
      /its way back leads to another policy/,
    ],
    ["that are more than a day old", { hours: 25 }, /it was signed 25 h ago, and is good for 24 h/],
    ["that begin with a host which is not there", { up: HOSTS.slice(1) }, /host0 is among those that go first/],
  ];
  for (const [name, change, why] of refusals) {
    test(`are refused: those ${name}`, () => {
      expect(tried(change)).toMatch(why);
    });
  }

  test("are refused when one is left out or they are in another order", () => {
    const text = (change: (blocks: string[]) => string[]) => (all: string) =>
      change(all.split(/(?=-----BEGIN)/)).join("");
    expect(tried({ text: text((blocks) => blocks.toSpliced(1, 1)) })).toMatch(/its numbers do not follow each other/);
    expect(tried({ text: text((blocks) => blocks.toReversed()) })).toMatch(/its numbers do not follow each other/);
  });
});
