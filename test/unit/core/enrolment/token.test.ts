import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../../src/core/base/base64.ts";
import { concatBytes, utf8Encode } from "../../../../src/core/base/bytes.ts";
import { Secret } from "../../../../src/core/base/secret.ts";
import type { Fingerprint } from "../../../../src/core/cert/certificate.ts";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import {
  checkTokenTime,
  type EnrolmentToken,
  formatToken,
  parseToken,
  TOKEN_PREFIX,
} from "../../../../src/core/enrolment/token.ts";

const LAP: EnrolmentToken = {
  network: "home",
  authority: "ab".repeat(32) as Fingerprint,
  serviceKey: "cd".repeat(32),
  endpoints: ["vpn.example.org:4242", "[2001:db8::1]:4242"],
  id: "0123456789abcdef",
  secret: new Secret(Uint8Array.from({ length: 16 }, (_, i) => i)),
  expires: 1_800_000_000n,
  host: "lap",
};
const LINE = formatToken(LAP, portableSuite);

describe("a token", () => {
  test("is one line that says what it was made of", () => {
    expect(LINE).toMatch(/^lacis1-[A-Za-z0-9_-]+$/);
    const read = parseToken(LINE, portableSuite);
    expect(read).toEqual({ ok: true, value: LAP });
    expect(read.ok && [...read.value.secret.expose()]).toEqual([...LAP.secret.expose()]);
  });

  test("of a network of P-256 says so, in a format that older hosts know to be newer", () => {
    const token: EnrolmentToken = { ...LAP, curve: "P256" };
    const line = formatToken(token, portableSuite);
    expect(line).toMatch(/^lacis2-/);
    expect(parseToken(line, portableSuite)).toEqual({ ok: true, value: token });
    for (const other of [line.replace("lacis2-", TOKEN_PREFIX), LINE.replace(TOKEN_PREFIX, "lacis2-")]) {
      expect(parseToken(other, portableSuite)).toMatchObject({ ok: false, reason: { code: "token-damaged" } });
    }
    expect(formatToken({ ...LAP, curve: "CURVE25519" }, portableSuite)).toBe(LINE);
  });

  test("does not print its secret once it was read", () => {
    const read = parseToken(LINE, portableSuite);
    expect(JSON.stringify(read, (_, value) => (typeof value === "bigint" ? String(value) : value))).toContain(
      "[secret]",
    );
  });

  test("may have been broken into lines on its way", () => {
    const broken = `  ${LINE.replaceAll(/.{40}/g, "$&\r\n  ")}\n`;
    expect(parseToken(broken, portableSuite)).toEqual({ ok: true, value: LAP });
  });

  test("with any one character typed over is damaged", () => {
    for (let i = 0; i < LINE.length; i++) {
      const typed = LINE[i] === "x" ? "y" : "x";
      const read = parseToken(LINE.slice(0, i) + typed + LINE.slice(i + 1), portableSuite);
      expect(read.ok ? `read with character ${i} changed` : read.reason.code).toMatch(/^token-(damaged|newer)$/);
    }
  });

  test("with characters missing or too many is damaged", () => {
    for (const text of [
      LINE.slice(0, -1),
      LINE.slice(0, 40),
      `${LINE}A`,
      LINE.slice(TOKEN_PREFIX.length),
      "",
      "lacis1-",
    ]) {
      expect(parseToken(text, portableSuite)).toMatchObject({ ok: false, reason: { code: "token-damaged" } });
    }
  });

  test("of a newer format says that this host is to be upgraded, not that it is damaged", () => {
    expect(parseToken("lacis3-AAAA", portableSuite)).toMatchObject({
      ok: false,
      reason: { code: "token-newer", todo: expect.stringContaining("upgrade") },
    });
  });

  test.each<[string, Partial<EnrolmentToken>]>([
    ["no endpoint", { endpoints: [] }],
    ["more endpoints than it may", { endpoints: Array.from({ length: 9 }, () => "a:1") }],
    ["an endpoint without a port", { endpoints: ["vpn.example.org"] }],
    ["an endpoint with a port that is none", { endpoints: ["vpn.example.org:70000"] }],
    ["a host name that breaks a line", { host: "lap\nevil" }],
    ["a network's name with a quote in it", { network: 'home"; rm' }],
    ["a short secret", { secret: new Secret(new Uint8Array(15)) }],
  ])("whose checksum fits is refused with %s", (_, change) => {
    expect(parseToken(formatToken({ ...LAP, ...change }, portableSuite), portableSuite).ok).toBe(false);
  });

  test("with bytes behind its end is refused although its checksum fits", () => {
    const content = fromBase64Url(LINE.slice(TOKEN_PREFIX.length))!.subarray(0, -4);
    const longer = concatBytes(content, Uint8Array.of(0));
    const checksum = portableSuite.sha256(utf8Encode(TOKEN_PREFIX), longer).subarray(0, 4);
    expect(parseToken(TOKEN_PREFIX + toBase64Url(concatBytes(longer, checksum)), portableSuite).ok).toBe(false);
  });

  test("never throws, whatever is pasted", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `lacis1-${text}`),
          fc.base64String(),
        ),
        (text) => {
          expect(parseToken(text, portableSuite).ok).toBe(false);
        },
      ),
    );
  });

  test("tells until when it was good, and how to get another", () => {
    expect(checkTokenTime(LAP, LAP.expires)).toEqual({ ok: true, value: undefined });
    expect(checkTokenTime(LAP, LAP.expires + 720n)).toMatchObject({
      reason: {
        code: "token-expired",
        why: "it expired 12 min ago",
        todo: expect.stringContaining("lacis invite lap"),
      },
    });
  });
});
