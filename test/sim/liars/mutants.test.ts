import { afterEach, describe, expect, test, vi } from "vitest";
import { ProbeBudget } from "../../../src/core/discovery/probe-budget.ts";
import { Underlay } from "../../../src/core/discovery/underlay.ts";
import { AnswerBudget } from "../../../src/core/machine/calls/answer-budget.ts";
import { Spent } from "../../../src/core/machine/calls/attempt.ts";
import { Discovery } from "../../../src/core/machine/discovery/discovery.ts";
import { CallsBack } from "../../../src/core/machine/traversal/calls-back.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { Punches, type PunchNotice } from "../../../src/core/punch/punches.ts";
import { realParts } from "../cast/parts.ts";
import { deafAfterBadAnswer, endingForRecvErrors, sulkingAfterBadAnswer } from "../mutants/gullible-hosts.ts";
import { reacting } from "../mutants/wrong-hosts.ts";
import type { Parts } from "../world/host.ts";
import { attacks } from "./attacks.ts";
import { verdict } from "./judge.ts";
import type { Setting } from "./scene.ts";

/** A host that is wrong in one thing, the attack that shows it, and what is said about it. */
interface Mutant {
  readonly host: string;
  readonly parts?: Parts;
  /** Makes the core wrong, until the test is over. */
  readonly spoil?: () => void;
  readonly although: RegExp;
  readonly setting: Setting;
  readonly caught: RegExp;
}

const waits = /something waits/;
const datagrams = /datagrams to/;

const mutants: readonly Mutant[] = [
  {
    host: "hears nothing more from where a bad answer came",
    parts: deafAfterBadAnswer(),
    although: /^a member answers each call first, from where it went/,
    setting: "open",
    caught: waits,
  },
  {
    host: "never calls a place again where a bad answer came from",
    parts: sulkingAfterBadAnswer(),
    although: /^a member answers once/,
    setting: "homes",
    caught: waits,
  },
  {
    host: "does the same for whoever has no certificate of its network",
    parts: sulkingAfterBadAnswer(),
    although: /^somebody with a certificate of another authority/,
    setting: "homes",
    caught: waits,
  },
  {
    host: "reads one answer to a call",
    spoil: () => {
      const read = new WeakSet<AnswerBudget>();
      vi.spyOn(AnswerBudget.prototype, "take").mockImplementation(function (this: AnswerBudget) {
        return !read.has(this) && read.add(this) !== undefined;
      });
    },
    although: /^random bytes answer each call first, from where it went/,
    setting: "open",
    caught: waits,
  },
  {
    host: "counts the answers from everywhere together",
    spoil: () => {
      const take = AnswerBudget.prototype.take;
      vi.spyOn(AnswerBudget.prototype, "take").mockImplementation(function (this: AnswerBudget, source, _, now) {
        return take.call(this, source, false, now);
      });
    },
    although: /^a thousand false answers/,
    setting: "home",
    caught: waits,
  },
  {
    host: "ends a session for a recv_error",
    parts: endingForRecvErrors(),
    although: /^every packet of its tunnel is answered by a recv_error/,
    setting: "open",
    caught: /something waits|a session ends/,
  },
  {
    host: "ends a session for a close that nobody has sealed",
    parts: reacting(({ reason, localIndex }) =>
      reason === "not-authentic" && localIndex !== undefined
        ? { kind: "remove-session", localIndex, sendClose: false }
        : undefined,
    ),
    although: /^every packet of its tunnel is answered by a close/,
    setting: "open",
    caught: /something waits|packets are lost/,
  },
  {
    host: "ends a session for the close of an earlier one",
    parts: reacting(({ reason, localIndex }) =>
      reason === "not-authentic" && localIndex !== undefined
        ? { kind: "remove-session", localIndex, sendClose: false }
        : undefined,
    ),
    although: /^the close of an earlier tunnel/,
    setting: "open",
    caught: waits,
  },
  {
    host: "calls wherever it is told to, even where no single machine is",
    spoil: () => vi.spyOn(Underlay.prototype, "isPlausible").mockReturnValue(true),
    although: /^a lighthouse names places for charlie where no single machine is/,
    setting: "homes",
    caught: datagrams,
  },
  {
    host: "tries whatever a lighthouse names at every attempt",
    spoil: () => vi.spyOn(Spent.prototype, "allows").mockReturnValue(true),
    although: /^a lighthouse names twenty other places/,
    setting: "homes",
    caught: datagrams,
  },
  {
    host: "forgets what it has tried when a lighthouse changes its mind",
    spoil: () => vi.spyOn(Spent.prototype, "add").mockReturnValue(undefined),
    although: /^a lighthouse names other places for charlie every 20 ms/,
    setting: "homes",
    caught: datagrams,
  },
  {
    host: "searches its own network for a lighthouse",
    spoil: () => vi.spyOn(Spent.prototype, "allows").mockReturnValue(true),
    although: /^a lighthouse names twenty private addresses/,
    setting: "homes",
    caught: datagrams,
  },
  {
    host: "tries every port of a machine that a lighthouse names",
    spoil: () => vi.spyOn(Spent.prototype, "allows").mockReturnValue(true),
    although: /^a lighthouse names twenty ports/,
    setting: "homes",
    caught: datagrams,
  },
  {
    host: "takes what one lighthouse names out of what another may name",
    spoil: () => vi.spyOn(Discovery.prototype, "namedBy").mockReturnValue(["10.77.0.1" as IpAddress]),
    although: /^a lighthouse names twenty other places/,
    setting: "homes",
    caught: waits,
  },
  {
    host: "punches for everybody whom a lighthouse names",
    spoil: () => vi.spyOn(ProbeBudget.prototype, "take").mockReturnValue(true),
    although: /^a lighthouse tells both that a thousand strangers/,
    setting: "open",
    caught: datagrams,
  },
  {
    host: "punches for each notice about the same host",
    spoil: () => {
      const notified = Punches.prototype.notified;
      let count = 0;
      vi.spyOn(Punches.prototype, "notified").mockImplementation(function (this: Punches, notice, settings, now) {
        const other: PunchNotice = { ...notice, host: `${notice.host}/${count++}` as IpAddress };
        return notified.call(this, other, settings, now);
      });
    },
    although: /^a lighthouse tells charlie a thousand times/,
    setting: "open",
    caught: datagrams,
  },
];

afterEach(() => void vi.restoreAllMocks());

describe("a host is caught that", () => {
  for (const { host, parts, spoil, although, setting, caught } of mutants) {
    test(host, () => {
      const [attack, ...others] = attacks.filter((attack) => although.test(attack.although));
      if (!attack || others.length > 0) throw new Error(`${although} is not one attack`);
      // Whoever is called calls back, which would hide what is wrong with the caller.
      vi.spyOn(CallsBack.prototype, "late").mockReturnValue(undefined);
      spoil?.();
      expect(verdict(attack, setting, parts ?? realParts)).toMatch(caught);
    });
  }
});
