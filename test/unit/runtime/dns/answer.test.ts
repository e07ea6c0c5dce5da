import { type Answer, decode, encode, type Packet } from "dns-packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { answerTo } from "../../../../src/runtime/dns/answer.ts";
import { NameIndex } from "../../../../src/runtime/dns/name-index.ts";
import { hosts } from "./hosts.ts";

const INSIDE = "10.77.0.9";
const OUTSIDE = "198.51.100.7";
const HOSTS = hosts(
  ["Light-House", "10.77.0.1", "fd00:77::1"],
  ["Web.Prod", "10.77.0.2"],
  ["six", "fd00:77::6"],
  ["two", "10.77.0.8", "10.77.0.7"],
);

describe("a name", () => {
  test.each([
    ["web.prod", "A", "10.77.0.2"],
    ["WEB.pRoD", "A", "10.77.0.2"],
    ["light-house", "A", "10.77.0.1"],
    ["light-house", "AAAA", "fd00:77::1"],
    ["six", "AAAA", "fd00:77::6"],
    ["two", "A", "10.77.0.8"],
  ] as const)("%s has %s %s", (name, type, address) => {
    const answer = ask(question(name, type));
    expect(answer).toMatchObject({ rcode: "NOERROR", answers: [{ type, data: address }] });
    expect(answer.answers![0]!.name).toBe(name.toLowerCase());
  });

  test.each([
    ["web.prod", "AAAA"],
    ["six", "A"],
    ["web.prod", "MX"],
    ["web.prod", "TXT"],
  ] as const)("scenario 60: that is known and has no such record is answered with nothing: %s %s", (name, type) => {
    expect(ask(question(name, type))).toMatchObject({ rcode: "NOERROR", answers: [] });
  });

  test.each(["", "nobody", "prod", "web", "1.0.77.10.in-addr.arpa", "www.example.com", "10.77.0.2", "we_b"])(
    "scenario 60: that nobody has does not exist: %j",
    (name) => {
      expect(ask(question(name, "A"))).toMatchObject({ rcode: "NXDOMAIN", answers: [] });
    },
  );

  test("is asked for with the question as it came, and what the asker wants beyond it is not given", () => {
    const answer = ask(question("WeB.prod", "A"));
    expect(answer.questions).toMatchObject([{ name: "WeB.prod", type: "A", class: "IN" }]);
    expect(answer).toMatchObject({
      flag_qr: true,
      flag_aa: true,
      flag_rd: true,
      flag_ra: false,
      flag_tc: false,
      id: 7,
    });
  });

  test("is not found by dots inside of a label", () => {
    const sly = Buffer.from(question("webxprod", "A"));
    sly[12 + 4] = ".".charCodeAt(0);
    expect(ask(sly)).toMatchObject({ rcode: "NXDOMAIN" });
  });
});

describe("certificates", () => {
  test.each(["127.0.0.1", "::1", "10.77.0.1", "fd00:77::1"])("are shown to this host itself: to %s", (from) => {
    const answer = ask(question("10.77.0.2", "TXT", EDNS), from);
    const strings = answer.answers![0]!;
    const text = Buffer.concat((strings as { data: Buffer[] }).data).toString();
    expect(JSON.parse(text)).toMatchObject({ details: { name: "Web.Prod", networks: ["10.77.0.2/24"] } });
    expect(text).toMatch(/^\{"details":\{"curve":"CURVE25519","groups":/);
  });

  test("are shown of every address, be it IPv6", () => {
    expect(ask(question("fd00:77::6", "TXT", EDNS), "127.0.0.1")).toMatchObject({ answers: [{ type: "TXT" }] });
    expect(ask(question("10.77.0.99", "TXT", EDNS), "127.0.0.1")).toMatchObject({ rcode: "NXDOMAIN" });
  });

  test.each([INSIDE, OUTSIDE])("are shown to nobody else: %s", (from) => {
    expect(ask(question("10.77.0.2", "TXT", EDNS), from)).toMatchObject({ rcode: "REFUSED", answers: [] });
  });

  test("are too long for whoever takes 512 bytes, and that is said", () => {
    const answer = ask(question("10.77.0.2", "TXT"), "127.0.0.1");
    expect(answer).toMatchObject({ flag_tc: true, answers: [] });
  });
});

describe("what is not answered with records:", () => {
  test.each<[string, Uint8Array, string]>([
    ["any type", question("web.prod", "ANY"), "NOTIMP"],
    ["another class", question("web.prod", "A", {}, "CH"), "REFUSED"],
    ["an update", withFlags(question("web.prod", "A"), 5 << 11), "NOTIMP"],
    ["two questions", withCount(question("web.prod", "A"), 2), "FORMERR"],
    ["no question", withCount(question("web.prod", "A"), 0), "FORMERR"],
    ["half a name", question("web.prod", "A").subarray(0, 15), "FORMERR"],
    ["a name without a type", question("web.prod", "A").subarray(0, -3), "FORMERR"],
    [
      "a name that points to itself",
      Uint8Array.from([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]),
      "FORMERR",
    ],
    ["records that are not there", withCount(question("web.prod", "A"), 9, 10), "FORMERR"],
    [
      "two wishes about the length",
      encode({ type: "query", id: 7, questions: [], additionals: [opt(512), opt(900)] }),
      "FORMERR",
    ],
    ["more than a query holds", Buffer.concat([question("web.prod", "A"), Buffer.alloc(2_000)]), "FORMERR"],
  ])("%s", (_, query, rcode) => {
    const answer = ask(query);
    expect(answer).toMatchObject({ rcode, answers: [], id: 7 });
  });

  test("a later EDNS, which is told by its own code", () => {
    const later = Buffer.from(question("web.prod", "A", EDNS));
    later[later.length - 5] = 1;
    expect(ask(later)).toMatchObject({
      rcode: "NOERROR",
      answers: [],
      additionals: [{ type: "OPT", extendedRcode: 1 }],
    });
  });

  test.each([
    ["an answer", withFlags(question("web.prod", "A"), 0x8000)],
    ["nothing", new Uint8Array(0)],
    ["less than a header", question("web.prod", "A").subarray(0, 11)],
  ])("%s draws no answer at all", (_, bytes) => {
    expect(answerTo(bytes, asked(INSIDE))).toBeUndefined();
  });
});

describe("below the domain that this host's programs are led here for", () => {
  const askOwn = (name: string, type: string, serves = false, from = "127.0.0.1") =>
    answerTo(question(name, type), asked(from, "mesh", serves));

  test("a name of a certificate is found, and what is known of it is all that there is", () => {
    expect(answerIn(askOwn("Web.Prod.mesh", "A"))).toMatchObject({
      rcode: "NOERROR",
      answers: [{ name: "web.prod.mesh", data: "10.77.0.2" }],
    });
    expect(answerIn(askOwn("web.prod.mesh", "MX"))).toMatchObject({ rcode: "NOERROR", answers: [] });
    expect(answerIn(askOwn("mesh", "A"))).toMatchObject({ rcode: "NOERROR", answers: [] });
  });

  test("one that is not known here is asked of others, and answered as they say", () => {
    const unknown = askOwn("printer.mesh", "AAAA");
    expect(unknown).toMatchObject({ name: "printer", type: "AAAA" });
    const respond = unknown && "respond" in unknown ? unknown.respond : undefined;
    const data = { type: "AAAA", address: "fd00:77::9" } as const;
    expect(answerIn(respond?.({ rcode: 0, data }))).toMatchObject({ id: 7, answers: [{ data: "fd00:77::9" }] });
    expect(answerIn(askOwn("printer.mesh", "MX"))).toMatchObject({ rcode: "NXDOMAIN" });
  });

  test("and nothing else: every other name is refused, so that the next server is asked, and others are refused everything", () => {
    for (const name of ["example.com", "mesh.example", "remesh", "com"])
      expect(answerIn(askOwn(name, "A")), name).toMatchObject({ rcode: "REFUSED", answers: [] });
    expect(answerIn(askOwn("web.prod.mesh", "A", false, INSIDE))).toMatchObject({ rcode: "REFUSED" });
    expect(answerIn(askOwn("web.prod.mesh", "A", true, INSIDE)), "a lighthouse has no domain for others").toMatchObject(
      {
        rcode: "NXDOMAIN",
      },
    );
    expect(answerIn(askOwn("web.prod", "A", true, INSIDE))).toMatchObject({ answers: [{ data: "10.77.0.2" }] });
  });
});

describe("for any bytes", () => {
  const queries = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc
      .tuple(
        fc.constantFrom("web.prod", "six", "10.77.0.2", ""),
        fc.constantFrom("A", "TXT", "ANY", "OPT"),
        fc.boolean(),
      )
      .chain(([name, type, edns]) => {
        const whole = question(name, type as "A", edns ? EDNS : {});
        const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
        return fc.array(change, { maxLength: 4 }).map((changes) => {
          const bytes = Uint8Array.from(whole);
          for (const { at, to } of changes) bytes[at] = to;
          return bytes;
        });
      }),
  );

  test("an answer is none or a response with the same number, within what may be sent", () => {
    fc.assert(
      fc.property(queries, fc.constantFrom(INSIDE, OUTSIDE, "127.0.0.1"), (bytes, from) => {
        const answer = answerTo(bytes, asked(from, "prod"));
        if (!answer || "respond" in answer) return;
        expect(decode(Buffer.from(answer)).type).toBe("response");
        expect([answer[0], answer[1]]).toEqual([bytes[0], bytes[1]]);
        expect(answer.length).toBeLessThanOrEqual(1_232);
        if (from === OUTSIDE) expect(answer.length).toBeLessThanOrEqual(3 * bytes.length);
        if (from !== "127.0.0.1") expect(answer.length).toBeLessThanOrEqual(512);
      }),
      { numRuns: 20_000 },
    );
  });
});

const EDNS: Partial<Packet> = { additionals: [opt(1_232)] };

function opt(udpPayloadSize: number): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

function question(name: string, type: string, rest: Partial<Packet> = {}, klass = "IN"): Buffer {
  const questions = [{ name, type: type as "A", class: klass as "IN" }];
  return encode({ type: "query", id: 7, flags: 0x100, questions, ...rest });
}

function withFlags(query: Uint8Array, flags: number): Uint8Array {
  const bytes = Uint8Array.from(query);
  bytes[2] = flags >> 8;
  return bytes;
}

function withCount(query: Uint8Array, count: number, at = 4): Uint8Array {
  const bytes = Uint8Array.from(query);
  bytes[at + 1] = count;
  return bytes;
}

function asked(from: string, domain?: string, serves = true) {
  const addresses = ["10.77.0.1", "fd00:77::1"] as IpAddress[];
  const networks = ["10.77.0.1/24", "fd00:77::1/64"].flatMap((text) => parsePrefix(text) ?? []);
  return { from: from as IpAddress, names: new NameIndex(HOSTS), own: { addresses, networks }, serves, domain };
}

function ask(query: Uint8Array, from = INSIDE) {
  return answerIn(answerTo(query, asked(from)));
}

function answerIn(answer: ReturnType<typeof answerTo>) {
  if (!(answer instanceof Uint8Array)) throw new Error("no answer");
  return decode(Buffer.from(answer)) as ReturnType<typeof decode> & { readonly rcode: string };
}
