import { describe, expect, test } from "vitest";
import { admit, type Claims } from "../../../../../certs/enrolment/sign-in/admission.ts";
import { readSignInSettings, type SignInRule } from "../../../../../certs/enrolment/sign-in/settings.ts";
import { HOST_NAME } from "../../../../../src/core/enrolment/name.ts";

const rule = (claim: string, value: string, change: Partial<SignInRule> = {}): SignInRule => ({
  claim,
  value,
  groups: [value],
  needsApproval: false,
  ...change,
});

function admitted(claims: Partial<Claims>, rules: readonly SignInRule[], host = "laptop") {
  const all: Claims = { iss: "https://id.example", sub: "17", preferred_username: "alice", ...claims };
  return admit(all, host, { rules, userClaim: "preferred_username" });
}

describe("somebody who has signed in", () => {
  test("is in the groups of every rule that fits, and is known by issuer and subject", () => {
    const rules = [rule("groups", "dev"), rule("groups", "ops"), rule("email_verified", "true", { groups: ["staff"] })];
    expect(admitted({ groups: ["dev", "x"], email_verified: true }, rules)).toEqual({
      ok: true,
      value: {
        identity: "https://id.example 17",
        who: "alice",
        host: "alice-laptop",
        groups: ["dev", "staff"],
        needsApproval: false,
      },
    });
  });

  test.each([
    [{ groups: "dev" }, true],
    [{ groups: ["ops", "dev"] }, true],
    [{ groups: ["developers"] }, false],
    [{ groups: ["DEV"] }, false],
    [{ groups: { dev: true } }, false],
    [{ groups: [["dev"]] }, false],
    [{ other: ["dev"] }, false],
    [{}, false],
  ])("with the claims %j is let in by a rule for the group dev: %s", (claims, isIn) => {
    expect(admitted(claims, [rule("groups", "dev")]).ok).toBe(isIn);
  });

  test("is let in by a star with any value, and not without one", () => {
    const rules = [rule("hd", "*", { groups: ["all"] })];
    expect(admitted({ hd: "example.org" }, rules).ok).toBe(true);
    expect(admitted({}, rules)).toMatchObject({ ok: false, reason: { code: "denied", what: "alice" } });
  });

  test("waits for approval only where no rule lets them in without", () => {
    const both = [rule("groups", "a", { needsApproval: true }), rule("groups", "b")];
    const needs = (groups: readonly string[]) => {
      const made = admitted({ groups }, both);
      return made.ok && made.value.needsApproval;
    };
    expect([needs(["a"]), needs(["b"]), needs(["a", "b"])]).toEqual([true, false, false]);
  });

  test.each([
    ["Alice@example.org", "Laptop.local", "alice-laptoplocal"],
    ["Ängström", "x", "angstrom-x"],
    ["a-b", "c", "ab-c"],
    ["alice", "_._", "alice-host"],
    ["a".repeat(80), "b".repeat(80), `${"a".repeat(31)}-${"b".repeat(31)}`],
  ])("is called %s and has a machine called %s: the host is %s", (user, machine, host) => {
    const made = admitted({ preferred_username: user, hd: "x" }, [rule("hd", "*", { groups: [] })], machine);
    expect(made.ok && made.value.host).toBe(host);
    expect(host).toMatch(HOST_NAME);
  });

  test("and whose name no host could have is told so", () => {
    const made = admitted({ preferred_username: "\u4f60", hd: "x" }, [rule("hd", "*")]);
    expect(made).toMatchObject({ ok: false, reason: { code: "name-bad" } });
  });

  test("is never shown with what a terminal would obey", () => {
    const made = admitted({ preferred_username: "a\u001b[2Jb", hd: "x" }, [rule("hd", "*")]);
    expect(made.ok && made.value.who).toBe("a?[2Jb");
  });
});

describe("the file of who may sign in", () => {
  const rules = [{ claim: "groups", value: "dev", groups: ["dev"] }];
  const good = { issuer: "https://id.example", clientId: "lacis", rules };

  test("leaves out what is usual", () => {
    expect(readSignInSettings(JSON.stringify(good), "f")).toMatchObject({
      ok: true,
      value: { scopes: ["openid", "profile", "email"], userClaim: "preferred_username", lifetime: 43_200 },
    });
  });

  test.each([
    ["nothing", "", "it is no JSON"],
    ["no rule", JSON.stringify({ ...good, rules: [] }), "rules is not a list of 1 to 256"],
    ["a bad group", JSON.stringify({ ...good, rules: [{ claim: "a", value: "b", groups: ["c d"] }] }), "groups[0]"],
    ["a long life", JSON.stringify({ ...good, lifetimeSeconds: 10 ** 9 }), "lifetimeSeconds is not"],
    ["no TLS", JSON.stringify({ ...good, issuer: "http://id.example" }), "reached without TLS"],
    ["no TLS to a lookalike", JSON.stringify({ ...good, issuer: "http://localhost.example" }), "reached without TLS"],
    ["another scheme", JSON.stringify({ ...good, issuer: "ftp://id.example" }), "issuer is not"],
  ])("with %s is refused", (_, content, why) => {
    const read = readSignInSettings(content, "sign-in.json");
    expect(read).toMatchObject({ ok: false, reason: { what: "sign-in.json" } });
    expect(read.ok ? "" : read.reason.why).toContain(why);
  });
});
