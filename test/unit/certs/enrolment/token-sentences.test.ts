import { afterEach, test as anywhere, describe, expect } from "vitest";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import { checkTokenTime, type EnrolmentToken, formatToken, parseToken } from "../../../../src/core/enrolment/token.ts";
import {
  closeOffices,
  freshKey,
  HAS_SQLITE,
  NOW,
  type Office,
  openOffice,
  requestWith,
  testAuthority,
} from "./office.ts";

const test = anywhere.skipIf(!HAS_SQLITE);
afterEach(closeOffices);

const HOUR = 3_600;

/** What is done with a token, and the sentence that whoever did it reads. */
const CASES: readonly {
  readonly name: string;
  readonly say: (at: Desk) => Promise<string> | string;
  readonly sentence: RegExp;
}[] = [
  {
    name: "typed over in its middle",
    say: ({ line }) => local(changed(line, 60)),
    sentence: /^the token - it is damaged: its checksum does not fit/,
  },
  {
    name: "cut off",
    say: ({ line }) => local(line.slice(0, -3)),
    sentence: /^the token - it is damaged: its checksum does not fit/,
  },
  {
    name: "typed over in its first letter",
    say: ({ line }) => local(`1${line.slice(1)}`),
    sentence: /^the token - it does not begin with lacis1- or lacis2- - copy the whole line again/,
  },
  {
    name: "without its beginning",
    say: ({ line }) => local(line.slice(7)),
    sentence: /^the token - it does not begin with lacis1- or lacis2-/,
  },
  {
    name: "typed over in the number of its format",
    say: ({ line }) => local(line.replace(/^lacis\d/, "lacis7")),
    sentence: /^the token - it is damaged: its checksum does not fit/,
  },
  {
    name: "with the number of the other format",
    say: ({ line }) =>
      local(line.startsWith("lacis1") ? line.replace("lacis1", "lacis2") : line.replace("lacis2", "lacis1")),
    sentence: /^the token - it is damaged/,
  },
  {
    name: "of a newer format",
    say: () => local("lacis9-AAAA"),
    sentence: /^the token - it was made by a newer Lacis - upgrade this host first/,
  },
  {
    name: "expired, as this host knows",
    say: ({ token }) => {
      const judged = checkTokenTime(token, token.expires + 720n);
      return judged.ok ? "good" : said(judged.reason);
    },
    sentence: /^the token - it expired 12 min ago - ask for a new one \(lacis invite lap\), or set this clock/,
  },
  {
    name: "expired, as the service knows",
    say: ({ office, token, key }) => {
      office.nowSeconds = Number(token.expires) + 720;
      return ask(office, token, key, { time: office.nowSeconds });
    },
    sentence: /^the token - it expired 12 min ago - ask for a new one \(lacis invite lap\)/,
  },
  {
    name: "used by another host",
    say: async ({ office, token, key, curve }) => {
      await ask(office, token, freshKey(curve));
      return ask(office, token, key);
    },
    sentence:
      /^the token - it was already used by host lap at .* \(key fingerprint [0-9a-f]{16}\) - ask for a new one \(lacis invite\); if nobody of yours/,
  },
  {
    name: "replayed by the host that has used it, long after",
    say: async ({ office, token, key }) => {
      await ask(office, token, key);
      office.nowSeconds += 601;
      return ask(office, token, key, { time: office.nowSeconds });
    },
    sentence: /^the token - it was already used by host lap at .* - this host has its certificate: it renews by itself/,
  },
  {
    name: "replayed with another secret",
    say: ({ office, token, key }) => ask(office, token, key, { secret: "00".repeat(16) }),
    sentence:
      /^the token - this service does not know it: it was taken back, is of another service, or was used long ago/,
  },
  {
    name: "taken back",
    say: async ({ office, token, key }) => {
      await office.desk.withdraw(token.id, office.operator);
      return ask(office, token, key);
    },
    sentence: /^the token - this service does not know it: it was taken back/,
  },
  {
    name: "for another network",
    say: ({ office, token, key, curve }) =>
      ask(office, token, key, { authority: testAuthority([], [], curve).certificate.fingerprint }),
    sentence:
      /^the token - it is for another authority than the one of home, which answers here - use it where it was made/,
  },
  {
    name: "shown by a host whose clock is 3 h behind",
    say: ({ office, token, key }) => ask(office, token, key, { time: NOW - 3 * HOUR }),
    sentence:
      /^this host's clock - it is 3 h behind the service's - set it \(NTP\), then ask again: the token is still good/,
  },
  {
    name: "shown by a host whose clock is 3 h ahead",
    say: ({ office, token, key }) => ask(office, token, key, { time: NOW + 3 * HOUR }),
    sentence:
      /^this host's clock - it is 3 h ahead of the service's - set it \(NTP\), then ask again: the token is still good/,
  },
  {
    name: "shown with a key of the other curve",
    say: ({ office, token, curve }) => {
      const other = curve === "P256" ? "CURVE25519" : "P256";
      return ask(office, token, freshKey(other), { curve: other });
    },
    sentence: /^this host's key - .*curve/,
  },
];

describe.each([
  ["lacis1-", "CURVE25519"],
  ["lacis2-", "P256"],
] as const)("a token %s (%s)", (prefix, curve) => {
  for (const { name, say, sentence } of CASES)
    test(`${name} has its sentence`, async () => {
      const office = await openOffice({ authority: testAuthority(undefined, undefined, curve) });
      const token = await office.invite("lap");
      const line = formatToken(token, portableSuite);
      expect(line.startsWith(prefix)).toBe(true);
      const desk = { office, token, line, curve, key: freshKey(curve) };
      const words = await say(desk);
      expect(words).toMatch(sentence);
      // One line, and it says what to do.
      expect(words).not.toContain("\n");
      expect(words.split(" - ").length).toBeGreaterThanOrEqual(3);
    });

  test("that nothing is wrong with lets its host in, twice if the answer was lost", async () => {
    const office = await openOffice({ authority: testAuthority(undefined, undefined, curve) });
    const token = await office.invite("lap");
    const key = freshKey(curve);
    expect(await ask(office, token, key)).toBe("issued");
    expect(await ask(office, token, key)).toBe("issued");
  });
});

interface Desk {
  readonly office: Office;
  readonly token: EnrolmentToken;
  readonly line: string;
  readonly curve: "CURVE25519" | "P256";
  readonly key: string;
}

function local(line: string): string {
  const read = parseToken(line, portableSuite);
  return read.ok ? "good" : said(read.reason);
}

async function ask(office: Office, token: EnrolmentToken, key: string, change: object = {}): Promise<string> {
  const { body } = await office.post("/v1/enrol", requestWith(token, key, change));
  const answer = body as { readonly status?: string; readonly error?: Parameters<typeof said>[0] };
  return answer.error ? said(answer.error) : (answer.status ?? "");
}

function said({ what, why, todo }: { readonly what: string; readonly why: string; readonly todo: string }): string {
  return `${what} - ${why} - ${todo}`;
}

function changed(line: string, at: number): string {
  return line.slice(0, at) + (line[at] === "x" ? "y" : "x") + line.slice(at + 1);
}
