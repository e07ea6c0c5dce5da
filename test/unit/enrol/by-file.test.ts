import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answerByFile, joinByFile, requestByFile } from "../../../src/enrol/by-file.ts";
import { type HostFiles, hostFilesIn } from "../../../src/enrol/host-files.ts";
import { hostIn } from "../../../src/enrol/host-here.ts";
import { now, ServiceForTests } from "./service-for-tests.ts";

let service: ServiceForTests;
let folders: readonly string[];
let files: HostFiles;
let other: HostFiles;

beforeEach(async () => {
  service = await ServiceForTests.open();
  folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), "lacis-by-file-")));
  [files, other] = folders.map(hostFilesIn) as [HostFiles, HostFiles];
});
afterEach(async () => {
  await service.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("a host that no way leads from joins by two files, and its key stays where it is", async () => {
  const request = requestByFile(files, "CURVE25519");
  expect(Object.keys(JSON.parse(request))).toEqual(["format", "curve", "publicKey"]);
  const bundle = await answer(request);
  joinByFile(files, bundle, here());
  expect(hostIn(files)).toMatchObject({ certificate: { name: "lap" }, enrolment: { network: "home" } });
  expect(existsSync(files.staging)).toBe(false);
});

test("the same request is made again with the same key, and its answer is taken once more after a kill", async () => {
  const request = requestByFile(files, "CURVE25519");
  expect(requestByFile(files, "CURVE25519")).toBe(request);
  const bundle = await answer(request);
  joinByFile(files, bundle, here());
  expect(() => joinByFile(files, bundle, here())).toThrow("configured as a host already");
});

test("an answer is of no use to another machine, nor to one that has not asked", async () => {
  const bundle = await answer(requestByFile(files, "CURVE25519"));
  expect(() => joinByFile(other, bundle, here())).toThrow("none was made here");
  requestByFile(other, "CURVE25519");
  expect(() => joinByFile(other, bundle, here())).toThrow("another key than the one of this host");
  expect(hostIn(other)).toBeUndefined();
});

test.each(["", "{}", '{"format":2}', '{"format":1,"curve":"CURVE25519","publicKey":"zz"}'])(
  "what is no request or no bundle is refused before anybody is asked: %s",
  async (content) => {
    await expect(answer(content)).rejects.toThrow("is not");
    expect(service.asked).toEqual([]);
    requestByFile(files, "CURVE25519");
    expect(() => joinByFile(files, content, here())).toThrow("is not");
  },
);

function answer(request: string): Promise<string> {
  return answerByFile(request, service.token(), now(), { waiting: () => {} });
}

function here() {
  return { here: [], now: now(), owner: undefined };
}
