import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join as pathOf } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toHex } from "../../../src/core/base/bytes.ts";
import { readHostKey } from "../../../src/core/cert/host-key.ts";
import { type HostFiles, hostFilesIn } from "../../../src/enrol/host-files.ts";
import { type Joined, type JoinOptions, join } from "../../../src/enrol/join.ts";
import { leave } from "../../../src/enrol/leave.ts";
import { readClock } from "../../../src/runtime/clock.ts";
import { checkConfig } from "../../../src/runtime/config/config-file.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { OperatorError } from "../../../src/runtime/operator-error.ts";
import { prefix } from "../fixtures/authority.ts";
import { anAuthority, now, ServiceForTests } from "./service-for-tests.ts";

const IDENTITY = ["ca.crt", "enrolment.json", "host.crt", "host.key"];

let service: ServiceForTests;
let folder: string;
let files: HostFiles;

beforeEach(async () => {
  service = await ServiceForTests.open();
  folder = mkdtempSync(pathOf(tmpdir(), "lacis-join-"));
  files = hostFilesIn(folder);
});
afterEach(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a machine that joins", () => {
  test("makes a key that never leaves it, and has a configuration that runs, closed to others", async () => {
    await joins(service.token());
    const { config, errors, warnings } = checkConfig(files.config, { suite: nodeSuite, wall: readClock().wall });
    expect(errors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(config?.settings.live.identity.credential).toMatchObject({ name: "lap" });
    expect(ownKey()).toBe(service.signed.get("lap"));
    expect(JSON.stringify(service.asked)).not.toContain(readFileSync(files.key, "utf8").split("\n")[1]);
    const made = readdirSync(folder, { recursive: true }).map(String).sort();
    expect(made).toEqual(["config.yml", "pki", ...IDENTITY.map((name) => `pki/${name}`)]);
    for (const name of made) expect(statSync(pathOf(folder, name)).mode & 0o077, name).toBe(0);
  });

  test("asks nobody again where it is that host already", async () => {
    await joins(service.token());
    const before = readFileSync(files.certificate, "utf8");
    await joins(service.token({ id: "ff".repeat(8) }));
    expect(service.asked).toHaveLength(1);
    expect(readFileSync(files.certificate, "utf8")).toBe(before);
  });

  test("keeps the host that it is: neither another name nor another network takes its place", async () => {
    await joins(service.token());
    expect((await refusalOf(service.token({ host: "nas" }))).complaint.why).toContain(
      "in the network home already as lap",
    );
    expect((await refusalOf(service.token({ serviceKey: "00".repeat(32) }))).code).toBe("host-already");
  });

  test("writes over no file of somebody else", async () => {
    mkdirSync(files.identity);
    writeFileSync(files.key, "mine");
    expect((await refusalOf(service.token())).complaint.todo).toContain("--dir");
    expect(service.asked).toEqual([]);
    writeFileSync(files.config, "mine");
    expect((await refusalOf(service.token())).code).toBe("host-already");
    expect(readFileSync(files.config, "utf8")).toBe("mine");
  });

  test("asks nobody with a token that is damaged or too old", async () => {
    const token = service.token();
    expect((await refusalOf(`${token.slice(0, 40)}x${token.slice(41)}`)).code).toBe("token-damaged");
    expect((await refusalOf(service.token({ expires: now() - 720n }))).complaint.why).toBe("it expired 12 min ago");
    expect(service.asked).toEqual([]);
    expect(existsSync(files.staging)).toBe(false);
  });

  test("takes the token's name, its own where there is none, and no other", async () => {
    expect((await refusalOf(service.token(), { name: "nas" })).complaint.why).toBe("the token is for lap");
    await joins(service.token({ host: "" }), { name: "nas" });
    expect(service.asked.map(({ name }) => name)).toEqual(["nas"]);
  });

  test("goes on with the same key after an answer was lost", async () => {
    let lost = true;
    service.instead = () => (lost ? { status: 200, body: "lost" } : undefined);
    expect((await refusalOf(service.token())).code).toBe("service-garbled");
    expect(existsSync(files.config)).toBe(false);
    lost = false;
    await joins(service.token());
    expect(new Set(service.asked.map(({ publicKey }) => publicKey)).size).toBe(1);
  });

  test("waits for whoever must decide, and says so once", async () => {
    const told: string[] = [];
    const pending = { status: "pending", id: "ab12", why: "somebody must say yes", pollSeconds: 1 };
    service.instead = () => (service.asked.length < 3 ? { status: 202, body: pending } : undefined);
    await joins(service.token(), { waiting: ({ id }) => told.push(id) });
    expect(told).toEqual(["ab12"]);
    expect(existsSync(files.config)).toBe(true);
  });

  test("hears why it is not let in, in the service's words, and leaves no half a host", async () => {
    const error = { code: "denied", what: "lap", why: "ann said no: not on a Friday", todo: "ask her on Monday" };
    service.instead = () => ({ status: 403, body: { error } });
    const refused = await refusalOf(service.token());
    expect(refused).toMatchObject({ code: "denied", complaint: { what: "lap", why: error.why, todo: error.todo } });
    expect(readdirSync(folder)).toEqual([".joining"]);
  });

  test("keeps nothing of a certificate that is for another key, or by another authority", async () => {
    const other = anAuthority();
    service.instead = (request) => ({ status: 200, body: service.issued(request, other) });
    expect((await refusalOf(service.token())).complaint.why).toContain("the authority that the token names");
    service.instead = (request) => {
      const anyKey = toHex(nodeSuite.agreement("CURVE25519")!.load(new Uint8Array(32).fill(9))!.publicKey);
      return { status: 200, body: service.issued({ ...request, publicKey: anyKey }) };
    };
    expect((await refusalOf(service.token())).complaint.why).toContain("another key");
    expect(existsSync(files.config)).toBe(false);
    service.instead = () => undefined;
    await joins(service.token());
  });

  test("is no host of a network whose addresses this machine has a way to already, and may be one later with the same token", async () => {
    const refused = await refusalOf(service.token(), { here: [prefix("10.213.0.0/16")] });
    expect(refused).toMatchObject({ code: "network-overlaps", complaint: { what: "the network 10.213.7.0/24" } });
    expect(existsSync(files.config)).toBe(false);
    await joins(service.token(), { here: [prefix("10.214.0.0/16"), prefix("192.0.2.0/24")] });
    expect(new Set(service.asked.map(({ publicKey }) => publicKey)).size).toBe(1);
  });
});

describe("a machine that leaves", () => {
  test("tells the authority, and has neither key nor configuration any more", async () => {
    await joins(service.token());
    const left = await leave(files);
    expect(left).toMatchObject({ name: "lap", network: "home", isTold: true });
    expect(service.left).toHaveLength(1);
    expect(service.left[0]?.secret).toBe("ab".repeat(32));
    expect(readdirSync(folder)).toEqual([]);
    await joins(service.token({ id: "ff".repeat(8) }));
  });

  test("goes although nobody answers, and says so", async () => {
    await joins(service.token());
    await service.close();
    expect(await leave(files)).toMatchObject({ isTold: false, why: expect.stringContaining("nobody listens there") });
    expect(readdirSync(folder)).toEqual([]);
    service = await ServiceForTests.open();
  });

  test("removes nothing that lacis has not written", async () => {
    writeFileSync(files.config, "pki: {}\n");
    mkdirSync(files.identity);
    writeFileSync(files.key, "mine");
    await expect(leave(files)).rejects.toMatchObject({ code: "not-a-host" });
    expect(readdirSync(folder).sort()).toEqual(["config.yml", "pki"]);
    rmSync(files.config);
    await expect(leave(files)).rejects.toMatchObject({ code: "not-a-host" });
  });
});

function options(token: string, changes: Partial<JoinOptions> = {}): JoinOptions {
  return { token, files, curve: "CURVE25519", here: [], signIn: () => {}, waiting: () => {}, now, ...changes };
}

function joins(token: string, changes: Partial<JoinOptions> = {}): Promise<Joined> {
  return join(options(token, changes));
}

async function refusalOf(token: string, changes: Partial<JoinOptions> = {}): Promise<OperatorError> {
  const refusal = await joins(token, changes).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refusal instanceof OperatorError) return refusal;
  throw refusal ?? new Error("it joined");
}

function ownKey(): string {
  const key = readHostKey(nodeSuite, readFileSync(files.key, "utf8"));
  return key ? toHex(key.publicKey) : "";
}
