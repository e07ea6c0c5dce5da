import { describe, expect, test } from "vitest";
import { utf8Encode } from "../../../../../src/core/base/bytes.ts";
import { debugGroup } from "../../../../../src/core/cert/debug-group.ts";
import { type DebugAccess, encodeDebugAccess } from "../../../../../src/core/policy/debug-access.ts";
import { parseAllowed } from "../../../../../src/core/policy/words.ts";
import { WORLD_BEGINS } from "../../../fixtures/authority.ts";
import type { Host } from "../../../fixtures/mesh.ts";
import { network, REPORTS } from "../bulletins/network.ts";

const GROUP = debugGroup("0123456789abcdef");
const UNTIL = Number(WORLD_BEGINS) + 60;

/** Words of `say` are udp packets to port 7777. */
function access(host: string, service: string, changes: Partial<DebugAccess> = {}): DebugAccess {
  const allow = parseAllowed(service);
  if (!allow.ok) throw new Error(allow.reason);
  return { group: GROUP, name: "laptop", until: UNTIL, targets: [{ host, allow: [allow.value] }], ...changes };
}

/** A lighthouse and two hosts that let in everybody and go by the network's policy, and a guest. */
function debugged(groups: readonly string[] = [GROUP]) {
  const { mesh, lighthouse, hosts } = network(["db", "web"]);
  for (const host of [lighthouse, ...hosts]) host.reload({ ...host.settings.live, goesByPolicy: true });
  const notAfter = BigInt(UNTIL);
  const plan = { ...REPORTS, name: "laptop", networks: ["10.77.0.9/16"], keySeed: 99, groups, notAfter };
  const laptop = mesh.host("192.0.2.9:4242", plan);
  laptop.reload({ ...laptop.settings.live, goesByPolicy: true });
  mesh.run(1_000);
  let number = 0;
  const publish = (body: Uint8Array): void => {
    expect(
      lighthouse.publish(mesh.authority.bulletin({ kind: "debug-access", number: ++number, body })),
    ).toBeUndefined();
    mesh.run(2_000);
  };
  const [db, web] = hosts as [Host, Host];
  return {
    mesh,
    lighthouse,
    db,
    web,
    laptop,
    publish,
    grant: (...all: DebugAccess[]) => publish(encodeDebugAccess(all)),
  };
}

function reaches(from: Host, to: Host): boolean {
  const before = to.heard.length;
  from.say(to, "hello");
  from.mesh.run(1_000);
  return to.heard.length > before;
}

const rulesOf = (host: Host) => host.node.rules().map(({ place, text }) => `${place}: ${text}`);
const countOf = (host: Host) => host.status().bulletins.find(({ kind }) => kind === "debug-access");

describe("a host that was let in to debug something", () => {
  test("reaches what it was let in for and nothing else, although everybody else is let in to everything", () => {
    const { db, web, laptop, grant } = debugged();
    expect([reaches(laptop, db), reaches(laptop, web), reaches(web, db)]).toEqual([false, false, true]);
    grant(access("db", "udp/7777"));
    expect([reaches(laptop, db), reaches(laptop, web)]).toEqual([true, false]);
    expect(rulesOf(db)).toContain(
      `debug access of laptop until 2026-11-20 00:01 UTC: udp 7777 groups=${GROUP} local_cidr=10.77.0.2/32`,
    );
    expect(rulesOf(web).join()).not.toContain("debug");
  });

  test("reaches no other port of that host", () => {
    const { db, laptop, grant } = debugged();
    grant(access("db", "udp/7778"));
    expect(reaches(laptop, db)).toBe(false);
  });

  test("is called by nobody, although its own rules let everybody in", () => {
    const { db, laptop, grant } = debugged();
    grant(access("db", "udp/7777"));
    expect(reaches(laptop, db)).toBe(true);
    expect(reaches(db, laptop)).toBe(false);
    expect(laptop.settings.live.firewall.inbound).not.toEqual([]);
    expect(rulesOf(laptop).filter((rule) => rule.includes("in"))).toEqual([]);
  });

  test("is told of by the host that it may reach, and by nobody else", () => {
    const { db, web, grant } = debugged();
    grant(access("db", "udp/7777"));
    expect(db.noticed("debug-access-begun")).toMatchObject([{ fields: { name: "laptop", services: ["udp/7777"] } }]);
    expect(web.noticed("debug-access-begun")).toEqual([]);
  });

  test("is out when its time is over: no rule, no tunnel, and both say so", () => {
    const { mesh, db, laptop, grant } = debugged();
    grant(access("db", "udp/7777"));
    expect(reaches(laptop, db)).toBe(true);
    mesh.run(60_000);
    expect(rulesOf(db).join()).not.toContain("debug");
    expect(db.noticed("debug-access-ended")).toHaveLength(1);
    expect(reaches(laptop, db)).toBe(false);
    expect(db.status().peers.filter(({ name, state }) => name === "laptop" && state === "up")).toEqual([]);
    expect(laptop.noticed("certificate-expires").at(-1)?.text).toBe("Debug access ended 2026-11-20 00:01 UTC.");
  });

  test("whose time is cut short by a newer list is out at once, tunnel or not", () => {
    const { db, laptop, grant } = debugged();
    grant(access("db", "udp/7777"));
    expect(reaches(laptop, db)).toBe(true);
    grant();
    expect(reaches(laptop, db)).toBe(false);
  });

  test("has nothing of what another guest was let in for", () => {
    const { db, laptop, grant } = debugged([debugGroup("ffffffffffffffff")]);
    grant(access("db", "udp/7777"));
    expect(reaches(laptop, db)).toBe(false);
  });

  test("has nothing of the groups that it is in besides", () => {
    const { db, laptop } = debugged([GROUP, "admins"]);
    db.reload({ ...db.settings.live, firewall: db.settings.live.firewall });
    expect(reaches(laptop, db)).toBe(false);
  });
});

test("everybody says that it is applied, also who is not reached by anybody", () => {
  const { lighthouse, grant } = debugged();
  grant(access("db", "udp/7777"));
  expect(countOf(lighthouse)).toMatchObject({ applied: 4, refused: [], pending: [] });
});

test("a host that goes by its own rules lets nobody in, and does not say that it does", () => {
  const { lighthouse, db, laptop, grant } = debugged();
  db.reload({ ...db.settings.live, goesByPolicy: false });
  grant(access("db", "udp/7777"));
  expect(reaches(laptop, db)).toBe(false);
  expect(countOf(lighthouse)).toMatchObject({ pending: expect.arrayContaining(["db"]) });
  db.reload({ ...db.settings.live, goesByPolicy: true });
  expect(reaches(laptop, db)).toBe(true);
});

test("a list that makes no sense is refused, and takes away what the one before gave", () => {
  const { lighthouse, db, laptop, grant, publish } = debugged();
  grant(access("db", "udp/7777"));
  publish(utf8Encode(JSON.stringify({ format: 1, access: [{ group: "admins", name: "x", until: 1, targets: [] }] })));
  expect(countOf(lighthouse)).toMatchObject({ refused: expect.arrayContaining(["db"]) });
  expect(db.noticed("debug-access-refused")).toHaveLength(1);
  expect(reaches(laptop, db)).toBe(false);
});

test("what a policy says about everybody and about guests stands beside each other", () => {
  const { db, web, laptop, grant } = debugged();
  grant(access("db", "udp/7777"));
  db.reload({ ...db.settings.live, firewall: { ...db.settings.live.firewall, inbound: [] } });
  expect([reaches(laptop, db), reaches(web, db)]).toEqual([true, false]);
});
