import { describe, expect, test } from "vitest";
import type { Inquiry, InquiryResult, JudgedSide } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { denialOf, UNANSWERED } from "../../../../src/runtime/proxy/denial.ts";

const TARGET = { address: "10.77.0.9" as IpAddress, port: 5432, name: "db1" };
const OWN = { name: "laptop", address: "10.77.0.2" as IpAddress };
const DB = { name: "db1", address: "10.77.0.9" as IpAddress };
const ALLOWED = { allowed: true, rule: { place: "c.yml:1", text: "any" } } as const;
const DENIED = { allowed: false, reason: "no-matching-rule", closest: undefined } as const;

function answering(judgements: readonly [JudgedSide["judgement"], JudgedSide["judgement"]]) {
  const asked: Inquiry[] = [];
  const packet = { protocol: 6, source: OWN.address, destination: DB.address, sourcePort: 0, destinationPort: 5432 };
  const side = (at: 0 | 1): JudgedSide => ({
    host: at === 0 ? OWN : DB,
    isOwn: at === 0,
    direction: at === 0 ? "outbound" : "inbound",
    peer: { ...(at === 0 ? DB : OWN), groups: [] },
    judgement: judgements[at],
    silence: judgements[at] ? undefined : "silent",
  });
  const inquire = async (inquiry: Inquiry): Promise<InquiryResult> => {
    asked.push(inquiry);
    return { outcome: "judged", packet: { ...packet, icmpMessage: undefined }, sides: [side(0), side(1)] };
  };
  return { asked, asker: { inquire } };
}

const going = () => new AbortController().signal;

describe("a connection that nobody answers", () => {
  test("is denied in the words of the end that denies it", async () => {
    const there = answering([ALLOWED, DENIED]);
    expect(await denialOf(there.asker, TARGET, UNANSWERED, going())).toEqual({
      why: "db1 refuses it: no inbound rule allows it",
      todo: "lacis why db1 tcp/5432",
    });
    expect(there.asked).toMatchObject([{ direction: "outbound", service: { protocol: 6, port: 5432 } }]);
    const here = answering([DENIED, undefined]);
    expect(await denialOf(here.asker, TARGET, UNANSWERED, going())).toMatchObject({
      why: "this host refuses it: no outbound rule allows it",
    });
  });

  test("names the rule that comes closest", async () => {
    const closest = { place: "c.yml:9", text: "port 22", misses: ["port"] } as const;
    const { asker } = answering([ALLOWED, { ...DENIED, closest }]);
    expect((await denialOf(asker, TARGET, UNANSWERED, going()))?.why).toBe(
      "db1 refuses it: no inbound rule allows it; The one at c.yml:9 (port 22) comes closest, but for its port",
    );
  });

  test("is waited for where both allow it, where one does not say, and where nobody could be asked", async () => {
    for (const judgements of [
      [ALLOWED, ALLOWED],
      [ALLOWED, undefined],
    ] as const)
      expect(await denialOf(answering(judgements).asker, TARGET, UNANSWERED, going())).toBeUndefined();
    expect(await denialOf({ inquire: async () => undefined }, TARGET, UNANSWERED, going())).toBeUndefined();
  });

  test("that is answered at once asks nobody", async () => {
    const { asked, asker } = answering([ALLOWED, DENIED]);
    const answered = new AbortController();
    const denial = denialOf(asker, TARGET, UNANSWERED, answered.signal);
    answered.abort();
    expect(await denial).toBeUndefined();
    expect(asked).toEqual([]);
  });
});
