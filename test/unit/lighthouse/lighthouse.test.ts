import { describe, expect, test } from "vitest";
import { Directory, HOSTS_MAX } from "../../../lighthouse/directory.ts";
import { createLighthouse } from "../../../lighthouse/index.ts";
import { fromHex, toHex } from "../../../src/core/base/bytes.ts";
import { instant } from "../../../src/core/base/time.ts";
import type { LighthouseAnswer, LighthouseReply } from "../../../src/core/discovery/service.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { decodeLighthouseMessage, encodeLighthouseMessage } from "../../../src/core/wire/lighthouse.ts";
import { UNKNOWN_NAT } from "../../../src/core/wire/nat-report.ts";
import { prefix } from "../fixtures/authority.ts";
import { trusted } from "../fixtures/sessions.ts";

const now = instant(0);
const a = hostOf("a", "10.77.1.2/16");
const b = hostOf("b", "10.77.1.3/16");

describe("a lighthouse", () => {
  test("answers a query with what it learned first, then what the host reported: the bytes of the reference", () => {
    const lighthouse = create();
    lighthouse.learned(a.addresses, "127.0.0.1:15001" as Endpoint, now);
    update(lighthouse, a, ["10.0.0.5:4242"]);
    const replies = ask(lighthouse, a, "08011205088282b452");
    expect(replies.map(({ to }) => to)).toEqual(["10.77.1.2", "10.77.1.2"]);
    expect(replies.map((reply) => bytesOf(reply, 1))).toEqual([
      "0802121a088282b452120908818080f80710997512080885808050109221",
      "0805121a088282b452120908818080f80710997512080885808050109221",
    ]);
  });

  test("acknowledges an update in the dialect it was spoken in", () => {
    const lighthouse = create();
    const inV1 = say(lighthouse, a, "08031219088282b452120808858080501092212a088180b4528980b452");
    const inV2 = say(
      lighthouse,
      a,
      "0803122512080885808050109221220f088080808080b7c3802010011892213a08108180b4d2f0ff3f",
    );
    expect(inV1.map((reply) => bytesOf(reply, 1))).toEqual(["080a1205088282b452"]);
    expect(inV2.map((reply) => bytesOf(reply, 1))).toEqual(["080a1200"]);
  });

  test("tells the host that was asked for who is about to call, in the dialect of its certificate", () => {
    const lighthouse = create();
    update(lighthouse, a, ["192.0.2.1:1"]);
    update(lighthouse, b, ["192.0.2.2:2"]);
    const [reply, punch] = ask(lighthouse, b, "08011205088282b452");
    expect(reply).toMatchObject({ to: "10.77.1.3", dialect: 1, message: { kind: "host-query-reply" } });
    expect(punch).toEqual({
      to: "10.77.1.2",
      dialect: "recipient",
      message: { kind: "host-punch", address: "10.77.1.3", endpoints: ["192.0.2.2:2"], relays: [] },
    });
  });

  test("answers in the dialect of the query, under the address that was asked for", () => {
    const lighthouse = create();
    const both = hostOf("both", "10.77.1.4/16", "fd00:77::4/64");
    update(lighthouse, both, ["192.0.2.4:4"]);
    const [reply] = say(lighthouse, a, "0801120f320d0880808080f08e8080fd011004");
    expect(reply).toMatchObject({ dialect: 2, message: { target: "fd00:77::4", endpoints: ["192.0.2.4:4"] } });
  });

  test("does not answer at all for a host it does not know", () => {
    expect(ask(create(), a, "08011205088282b452")).toEqual([]);
  });

  test("does not notify anybody of an asker it knows nothing about", () => {
    const lighthouse = create();
    update(lighthouse, a, ["192.0.2.1:1"]);
    expect(ask(lighthouse, b, "08011205088282b452").map(({ message }) => message.kind)).toEqual(["host-query-reply"]);
  });

  test("tells nobody of places where no single machine can be, unless packets have come from there", () => {
    const lighthouse = create();
    lighthouse.learned(a.addresses, "127.0.0.1:15001" as Endpoint, now);
    update(lighthouse, a, ["127.0.0.1:1", "224.0.0.1:1", "169.254.1.1:1", "255.255.255.255:1", "192.0.2.1:1"]);
    expect(endpointsIn(ask(lighthouse, b, "08011205088282b452"))).toEqual(["127.0.0.1:15001", "192.0.2.1:1"]);
  });

  test("replaces a report by the next one, and keeps what it learned", () => {
    const lighthouse = create();
    lighthouse.learned(a.addresses, "203.0.113.1:1" as Endpoint, now);
    update(lighthouse, a, ["192.0.2.1:1"]);
    update(lighthouse, a, ["192.0.2.2:2"]);
    expect(endpointsIn(ask(lighthouse, b, "08011205088282b452"))).toEqual(["203.0.113.1:1", "192.0.2.2:2"]);
  });

  test("keeps what a host says of its translator when its packets come from somewhere else", () => {
    const directory = new Directory([]);
    const nat = { ...UNKNOWN_NAT, mapping: "sequential", delta: 1, lastPort: 20_000 } as const;
    directory.report({ addresses: a.addresses, certificate: undefined, endpoints: [], relays: [], nat });
    directory.learned(a.addresses, "203.0.113.1:20001" as Endpoint);
    expect(directory.find(a.addresses[0]!)).toMatchObject({ nat, learnedV4: "203.0.113.1:20001" });
  });

  test("does not take a report in the name of another host", () => {
    const lighthouse = create();
    const forB = { kind: "host-update", address: "10.77.1.3" as IpAddress, endpoints: [], relays: [] } as const;
    expect(lighthouse.answer(a, { message: forB, dialect: 1 }, now)).toBe("not-its-address");
  });

  test("does not believe addresses inside the mesh", () => {
    const lighthouse = create();
    lighthouse.learned(a.addresses, "10.77.9.9:1" as Endpoint, now);
    update(lighthouse, a, ["10.77.8.8:1", "192.0.2.1:1"]);
    expect(endpointsIn(ask(lighthouse, b, "08011205088282b452"))).toEqual(["192.0.2.1:1"]);
  });

  test("forgets a host whose last tunnel has closed", () => {
    const lighthouse = create();
    update(lighthouse, a, ["192.0.2.1:1"]);
    lighthouse.closed(a.addresses);
    expect(ask(lighthouse, b, "08011205088282b452")).toEqual([]);
  });

  test("says nothing to replies and notifications", () => {
    const lighthouse = create();
    expect(say(lighthouse, a, "080a1200")).toEqual([]);
    expect(
      say(lighthouse, a, "08051225088282b452120908818080f80710997512080885808050109221120908818080f807109975"),
    ).toEqual([]);
  });
});

describe("whoever asks for a host just before it reports", () => {
  const question = { message: { kind: "host-query", target: "10.77.1.3" as IpAddress }, dialect: 1 } as const;
  const report = {
    message: { kind: "host-update", address: undefined, endpoints: ["192.0.2.3:3" as Endpoint], relays: [] },
    dialect: 2,
  } as const;
  const answers = (lighthouse: Lighthouse, at = now) =>
    repliesOf(lighthouse.answer(b, report, at)).filter(({ message }) => message.kind !== "host-update-ack");

  test("is answered when it does, and the host hears who will call, as if it had been known", () => {
    const lighthouse = create();
    update(lighthouse, a, ["192.0.2.2:2"]);
    expect(lighthouse.answer(a, question, now)).toEqual([]);
    const known = create();
    update(known, a, ["192.0.2.2:2"]);
    known.answer(b, report, now);
    const late = answers(lighthouse);
    expect(late).toEqual(known.answer(a, question, now));
    expect(late.map(({ to }) => to)).toEqual(["10.77.1.2", "10.77.1.3"]);
  });

  test("is answered once, however often it asked", () => {
    const lighthouse = create();
    for (let i = 0; i < 5; i++) lighthouse.answer(a, question, now);
    expect(answers(lighthouse)).toHaveLength(1);
    expect(answers(lighthouse)).toEqual([]);
  });

  test("is not answered when that comes too late for its call, nor by a report that is refused", () => {
    const lighthouse = create();
    lighthouse.answer(a, question, now);
    const foreign = { ...report, message: { ...report.message, address: "10.77.1.3" as IpAddress } };
    expect(lighthouse.answer(hostOf("c", "10.77.1.9/16"), foreign, now)).toBe("not-its-address");
    expect(answers(lighthouse, instant(5_001))).toEqual([]);
  });

  test("is one of sixteen for each host", () => {
    const lighthouse = create();
    for (let i = 0; i < 20; i++) lighthouse.answer(hostOf(`x${i}`, `10.77.2.${i}/16`), question, now);
    expect(answers(lighthouse)).toHaveLength(16);
  });
});

describe("a lighthouse among others", () => {
  const other = hostOf("other", "10.77.0.2/16");
  const others = other.addresses;
  const target = "10.77.1.3" as IpAddress;
  const question = { message: { kind: "host-query", target }, dialect: 1 } as const;
  const reply = { kind: "host-query-reply", target, endpoints: ["192.0.2.3:3" as Endpoint], relays: [] } as const;

  test("asks them for a host that it does not know, in the name of whoever asks, and tells him what they say", () => {
    const lighthouse = create();
    update(lighthouse, a, ["192.0.2.2:2"]);
    expect(lighthouse.answer(a, question, now, others)).toEqual([
      {
        to: "10.77.0.2",
        dialect: "recipient",
        message: {
          kind: "host-query",
          target,
          asker: { address: "10.77.1.2", endpoints: ["192.0.2.2:2"], relays: [] },
        },
      },
    ]);
    const answer = { message: reply, dialect: 2 } as const;
    expect(lighthouse.answer(other, answer, now, others)).toEqual([{ to: "10.77.1.2", dialect: 1, message: reply }]);
    expect(lighthouse.answer(other, answer, now, others)).toEqual([]);
  });

  test("answers them for hosts of its own, and tells those who will call", () => {
    const lighthouse = create();
    update(lighthouse, b, ["192.0.2.3:3"]);
    const asker = {
      address: "10.77.1.2" as IpAddress,
      endpoints: ["192.0.2.2:2", "127.0.0.1:1"] as Endpoint[],
      relays: ["10.77.0.9" as IpAddress],
    };
    const asked = { message: { ...question.message, asker }, dialect: 2 } as const;
    expect(lighthouse.answer(other, asked, now, others)).toEqual([
      { to: "10.77.0.2", dialect: 2, message: reply },
      {
        to: "10.77.1.3",
        dialect: "recipient",
        message: { kind: "host-punch", address: "10.77.1.2", endpoints: ["192.0.2.2:2"], relays: ["10.77.0.9"] },
      },
    ]);
  });

  test("takes its own word of the asker, if it knows him", () => {
    const lighthouse = create();
    update(lighthouse, a, ["192.0.2.2:2"]);
    update(lighthouse, b, ["192.0.2.3:3"]);
    const asker = { address: "10.77.1.2" as IpAddress, endpoints: ["198.51.100.1:1" as Endpoint], relays: [] };
    const asked = { message: { ...question.message, asker }, dialect: 2 } as const;
    expect(repliesOf(lighthouse.answer(other, asked, now, others))[1]?.message).toMatchObject({
      endpoints: ["192.0.2.2:2"],
    });
  });

  test("does not pass on what another one asks, nor what only hosts say", () => {
    const lighthouse = create();
    const asker = { address: "10.77.1.2" as IpAddress, endpoints: [], relays: [] };
    const asked = { message: { ...question.message, asker }, dialect: 2 } as const;
    expect(lighthouse.answer(other, asked, now, [...others, "10.77.0.3" as IpAddress])).toEqual([]);
    expect(lighthouse.answer(a, asked, now, others)).toBe("asks-for-another");
    lighthouse.answer(a, question, now, others);
    expect(lighthouse.answer(b, { message: reply, dialect: 2 }, now, others)).toEqual([]);
  });

  test("passes on so many questions of one host at once, says so of the others, and goes on after a while", () => {
    const lighthouse = create();
    const askAll = (at: typeof now): number =>
      Array.from({ length: 200 }, (_, i) => {
        const message = { kind: "host-query", target: `10.77.2.${i}` as IpAddress } as const;
        return lighthouse.answer(a, { message, dialect: 1 }, at, others);
      }).filter((answer) => answer !== "asks-too-much").length;
    expect(askAll(now)).toBe(100);
    expect(askAll(instant(1_000))).toBe(10);
    expect(lighthouse.answer(b, question, instant(1_000), others)).toHaveLength(1);
  });

  test("forgets who asked when no answer comes in time", () => {
    const lighthouse = create();
    lighthouse.answer(a, question, now, others);
    expect(lighthouse.answer(other, { message: reply, dialect: 2 }, instant(5_001), others)).toEqual([]);
  });
});

describe("the directory", () => {
  test("is capped: the host not heard from for longest goes", () => {
    const directory = new Directory([]);
    for (let i = 0; i <= HOSTS_MAX; i++) directory.learned([`h${i}` as IpAddress], "192.0.2.1:1" as Endpoint);
    expect(directory.size).toBe(HOSTS_MAX);
    expect(directory.find("h0" as IpAddress)).toBeUndefined();
    expect(directory.find(`h${HOSTS_MAX}` as IpAddress)).toBeDefined();
  });
});

function hostOf(name: string, ...networks: readonly string[]) {
  const certificate = trusted(name, ...networks);
  return { certificate, addresses: certificate.networks.map(({ address }) => address) };
}

type Lighthouse = ReturnType<typeof createLighthouse>;

function create(): Lighthouse {
  return createLighthouse({ ownNetworks: [prefix("10.77.0.1/16")] });
}

function update(lighthouse: Lighthouse, from: typeof a, endpoints: readonly string[]): void {
  const message = { kind: "host-update", address: undefined, endpoints: endpoints as Endpoint[], relays: [] } as const;
  lighthouse.answer(from, { message, dialect: 2 }, now);
}

/** Speaks these bytes to the lighthouse. */
function say(lighthouse: Lighthouse, from: typeof a, hex: string): readonly LighthouseReply[] {
  const decoded = decodeLighthouseMessage(fromHex(hex)!);
  if (!decoded.ok) throw new Error(decoded.reason);
  return repliesOf(lighthouse.answer(from, decoded.value, now));
}

function repliesOf(answer: LighthouseAnswer): readonly LighthouseReply[] {
  if (typeof answer === "string") throw new Error(answer);
  return answer;
}

const ask = say;

function bytesOf(reply: LighthouseReply | undefined, recipient: 1 | 2): string {
  const dialect = reply!.dialect === "recipient" ? recipient : reply!.dialect;
  return toHex(encodeLighthouseMessage(reply!.message, dialect)!);
}

function endpointsIn(replies: readonly LighthouseReply[]): readonly Endpoint[] {
  const [reply] = replies;
  return reply && "endpoints" in reply.message ? reply.message.endpoints : [];
}
