import { afterEach, test as anywhere, describe, expect } from "vitest";
import { type Authority, formatBulletin } from "../../../../certs/index.ts";
import { signChange } from "../../../../certs/rotation/next-authority.ts";
import { encodeRevocations } from "../../../../src/core/bulletin/revocations.ts";
import { encodePolicyBulletin } from "../../../../src/core/policy/body.ts";
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
import { bulletinOf, everything, exported, revoke, signed, successor, withHosts } from "./signing-parts.ts";

const test = anywhere.skipIf(!HAS_SQLITE);
afterEach(closeOffices);

describe("whoever is revoked by the API", () => {
  test("is on a list at once, which the service signs and gives to the network", async () => {
    const office = await withHosts(["lap", "nas"]);
    expect(await revoke(office, "lap")).toMatchObject({
      status: 200,
      body: { name: "lap", list: { number: 3, state: "published", applied: 1, hosts: 2, pending: ["nas"] } },
    });
    expect(office.published).toHaveLength(1);
    expect(office.published[0]).toContain("BEGIN LACIS BULLETIN");
    expect(await office.ask("GET", "/v1/revocations", "", await everything(office))).toMatchObject({
      body: { isDue: false, number: 3, bulletin: office.published[0] },
    });
  });

  test("is on a list that is handed over with what to do, where no host runs beside the service", async () => {
    const office = await withHosts(["lap"]);
    office.isReached = false;
    const { body } = await revoke(office, "lap");
    expect(body).toMatchObject({
      list: {
        state: "signed",
        bulletin: expect.stringContaining("BEGIN LACIS BULLETIN"),
        why: "no lacis runs here",
        todo: expect.stringContaining("lacis publish FILE"),
      },
    });
  });

  test("waits for a signature where the key is elsewhere, with what to do; the signed list is published when it comes", async () => {
    const online = await withHosts(["lap", "nas"]);
    const office = await online.second(true);
    expect(await revoke(office, "lap")).toMatchObject({
      status: 200,
      body: { list: { state: "unsigned", todo: expect.stringContaining("lacis-cert upload") } },
    });
    expect(office.published).toEqual([]);
    const batch = await exported(office);
    expect(batch.revocations).toMatchObject({ number: 3 });
    const list = formatBulletin(signed(office, batch).revocations!);
    expect(await office.post("/v1/bulletins", { bulletin: list }, await everything(office))).toMatchObject({
      status: 200,
      body: { number: 3, state: "published", applied: 1 },
    });
    expect(office.published).toEqual([list]);
    expect((await exported(office)).revocations).toBeUndefined();
  });

  test("comes on no list that is another's, older, damaged, about something else, or lacks somebody", async () => {
    const online = await withHosts(["lap", "nas"]);
    const office = await online.second(true);
    const refusal = async (bulletin: string): Promise<string> => {
      const { status, body } = await office.post("/v1/bulletins", { bulletin }, await everything(office));
      return status === 200 ? "accepted" : (body as { error: { why: string } }).error.why;
    };
    await revoke(office, "lap");
    const first = signed(office, await exported(office)).revocations!;
    await revoke(office, "nas");
    expect(await refusal(formatBulletin(first))).toBe("nas was revoked since, and is not on it");
    expect(await refusal("hello")).toMatch(/^it cannot be read/);
    const batch = await exported(office);
    const list = signed(office, batch).revocations!;
    expect(await refusal(formatBulletin(list).repeat(2))).toBe("2 came instead of one");
    expect(await refusal(formatBulletin({ ...list, body: list.body.slice(1) }))).toBe(
      "its body is not the one that was signed",
    );
    expect(await refusal(bulletinOf(testAuthority(), batch.revocations!.number, list.body))).toBe(
      "no authority that is trusted here has signed it",
    );
    expect(await refusal(bulletinOf(office.authority, 1, list.body, "weather"))).toMatch(/does not know its kind/);
    expect(await refusal(bulletinOf(office.authority, 9, list.body))).toBe("its number is 9, and there are 4 entries");
    expect(await refusal(bulletinOf(office.authority, 4, encodeRevocations([])))).toMatch(/was revoked since/);
    expect(await refusal(formatBulletin(list))).toBe("accepted");
    expect(await refusal(bulletinOf(office.authority, 3, list.body))).toBe(
      "list 4 was signed already, and nothing goes back",
    );
  });
});

describe("what else an authority says whose key is elsewhere", () => {
  const bring = async (office: Office, bulletin: string) =>
    office.post("/v1/bulletins", { bulletin }, await everything(office));
  const refusal = async (office: Office, bulletin: string) =>
    ((await bring(office, bulletin)).body as { error: { why: string } }).error.why;

  test("a policy is given to the network, goes forward only, and in steps only by whoever watches them", async () => {
    const office = await openOffice({ isOffline: true });
    const policy = { place: "policy.yaml", mode: "enforce", outbound: "any", rules: [] } as const;
    const whole = encodePolicyBulletin({ policy, stage: undefined });
    const step = encodePolicyBulletin({ policy, stage: { hosts: ["lap"], before: undefined, seconds: 60 } });
    const fifth = bulletinOf(office.authority, 5, whole, "policy");
    expect(await bring(office, fifth)).toMatchObject({ status: 200, body: { kind: "policy", state: "published" } });
    expect(office.published).toEqual([fifth]);
    expect(await refusal(office, bulletinOf(office.authority, 4, whole, "policy"))).toMatch(/nothing goes back/);
    expect(await refusal(office, bulletinOf(office.authority, 6, step, "policy"))).toMatch(
      /lacis policy apply --signed/,
    );
    const { bearer } = await office.desk.giveAccess(
      { name: "other", scopes: ["read", "approve", "revoke"], validFor: 60 },
      office.operator,
    );
    expect(await office.post("/v1/bulletins", { bulletin: fifth }, { bearer })).toMatchObject({ status: 403 });
  });

  test("its successor is trusted first, signs then, and the first one goes when nobody has a certificate of it", async () => {
    const online = await openOffice();
    await online.post("/v1/enrol", requestWith(await online.invite("lap"), freshKey()));
    const office = await online.second(true);
    const [first, next] = [office.authority, successor(office.authority)];
    const change = (by: Authority, trust: readonly Authority[], drop: readonly Authority[], last: number): string => {
      const certificates = { trust: trust.map((one) => one.certificate), drop: drop.map((one) => one.certificate) };
      const made = signChange(by, certificates, { nowSeconds: NOW, last });
      if (!made.ok) throw new Error(made.reason.why);
      return formatBulletin(made.value);
    };
    const signs = async (): Promise<string> => (await exported(office)).authority;
    const both = change(first, [first, next], [], NOW);
    expect(await bring(office, both)).toMatchObject({ status: 200, body: { kind: "authorities", state: "published" } });
    expect(await signs()).toBe(first.certificate.fingerprint);
    expect(await bring(office, change(first, [next, first], [], NOW + 1))).toMatchObject({ status: 200 });
    expect(await signs()).toBe(next.certificate.fingerprint);
    expect(await refusal(office, both)).toMatch(/nothing goes back/);
    const dropped = change(next, [next], [first], NOW + 2);
    expect(await refusal(office, dropped)).toMatch(/^lap would be left behind/);
    await online.desk.revoke("lap", "", online.operator);
    expect(await bring(office, dropped)).toMatchObject({ status: 200 });
    const stranger = testAuthority();
    expect(await refusal(office, change(stranger, [stranger], [], NOW + 3))).toMatch(/no authority that is trusted/);
    const wider = testAuthority(["10.0.0.0/8"]);
    expect(await refusal(office, change(next, [next, wider], [], NOW + 4))).toMatch(/would have other limits/);
  });
});
