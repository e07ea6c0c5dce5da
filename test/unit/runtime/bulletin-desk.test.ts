import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { instant } from "../../../src/core/base/time.ts";
import type { Bulletin } from "../../../src/core/bulletin/bulletin.ts";
import type { HeldBulletin } from "../../../src/core/bulletin/held.ts";
import type { BulletinRefusal } from "../../../src/core/bulletin/verify.ts";
import type { BulletinNews } from "../../../src/core/machine/bulletins/events.ts";
import type { OperatorEvent } from "../../../src/core/operator/event.ts";
import { BulletinDesk } from "../../../src/runtime/bulletins/bulletin-desk.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../fixtures/authority.ts";

const authority = new TestAuthority(nodeSuite, 7);
let folder: string;
let path: string;
let news: BulletinNews[];
let events: OperatorEvent[];
let refusal: BulletinRefusal | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-bulletins-"));
  path = join(folder, "kept", "bulletins.pem");
  news = [];
  events = [];
  refusal = undefined;
});
afterEach(() => rmSync(folder, { recursive: true }));

function desk(): BulletinDesk {
  const made = new BulletinDesk({
    path,
    feed: (fed) => news.push(fed),
    publish: async () => refusal,
    tell: (event) => events.push(event),
  });
  made.start();
  return made;
}

function held(bulletin: Bulletin): HeldBulletin {
  return { ...bulletin, authority: authority.certificate, since: instant(0), state: "held" };
}

describe("what a host holds", () => {
  test("is told to it again at the next start, and is nobody else's to read", () => {
    const bulletins = [authority.bulletin({ number: 3 }), authority.bulletin({ kind: "policy", number: 4 })];
    desk().held(bulletins.map(held));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    desk();
    expect(news).toEqual([{ what: "recalled", bulletins }]);
  });

  test("is written once", () => {
    const one = desk();
    one.held([held(authority.bulletin({ number: 3 }))]);
    rmSync(path);
    one.held([held(authority.bulletin({ number: 3 }))]);
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });

  test("is not known when the file is damaged: that is said, and the host starts", () => {
    desk().held([held(authority.bulletin({ number: 3 }))]);
    writeFileSync(path, "-----BEGIN LACIS BULLETIN-----\nAAAA\n-----END LACIS BULLETIN-----\n");
    desk();
    expect([news, events]).toMatchObject([[], [{ code: "bulletins-unreadable", path }]]);
  });

  test("cannot be written: that is said once, and stands in the health until it can", () => {
    writeFileSync(join(folder, "kept"), "");
    const one = desk();
    one.held([held(authority.bulletin({ number: 3 }))]);
    one.held([held(authority.bulletin({ number: 4 }))]);
    expect(events.map(({ code }) => code)).toEqual(["bulletins-unwritable"]);
    expect(one.health()).toMatchObject([{ code: "bulletins-unwritable", severity: "warning" }]);
    rmSync(join(folder, "kept"));
    one.held([held(authority.bulletin({ number: 5 }))]);
    expect(one.health()).toEqual([]);
  });
});

describe("whoever carries out a kind", () => {
  test("hears of the newest of it, once, and of nothing else", () => {
    const one = desk();
    const heard: (number | undefined)[] = [];
    one.held([held(authority.bulletin({ kind: "policy", number: 1 }))]);
    one.listen("policy", (newest) => heard.push(newest?.head.number));
    one.held([held(authority.bulletin({ kind: "policy", number: 1 })), held(authority.bulletin({ number: 9 }))]);
    one.held([held(authority.bulletin({ kind: "policy", number: 2 }))]);
    one.held([]);
    expect(heard).toEqual([1, 2, undefined]);
  });

  test("says what has become of it", () => {
    const bulletin = held(authority.bulletin({ kind: "policy", number: 1 }));
    desk().became(bulletin, "applied");
    expect(news).toEqual([{ what: "became", id: bulletin.head.id, state: "applied" }]);
  });
});

test("what is not taken is complained about, with what to do", async () => {
  refusal = { code: "older", text: "number 9 is held, and nothing goes back" };
  await expect(desk().publish(authority.bulletin({ number: 3 }))).rejects.toMatchObject({
    code: "bulletin-refused",
    complaint: { what: "the revocation list 3 is not taken", why: "number 9 is held, and nothing goes back" },
  });
});
