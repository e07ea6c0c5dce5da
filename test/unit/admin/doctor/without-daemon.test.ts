import { createSocket } from "node:dgram";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StageReport } from "../../../../src/admin/doctor/report.ts";
import { withoutDaemon } from "../../../../src/admin/doctor/without-daemon.ts";
import { freePort, MeshFiles } from "../../runtime/mesh-files.ts";

let files: MeshFiles;
let config: string;
let port: number;

beforeEach(async () => {
  files = new MeshFiles();
  port = await freePort();
  config = files.host("laptop", "10.77.0.3", port, "");
});
afterEach(() => rmSync(files.folder, { recursive: true }));

describe("doctor without a daemon", () => {
  test("says that none runs, and how to start it, where nothing is in the way", async () => {
    expect(await failed(config)).toMatchObject({
      stage: "daemon",
      text: "lacis does not run",
      todo: `sudo lacis run --config ${config}`,
    });
  });

  test("asks which configuration is meant where none is given", async () => {
    const { stages } = await withoutDaemon("10.77.0.2", undefined);
    expect(stages[0]).toMatchObject({
      stage: "configuration",
      outcome: "doubtful",
      todo: "lacis doctor --config FILE",
    });
    expect(stages[1]).toMatchObject({ stage: "certificate", outcome: "doubtful" });
    expect(stages.at(-1)).toMatchObject({ stage: "policy", outcome: "not-tried" });
  });

  test("names the first error of the configuration", async () => {
    writeFileSync(config, `${readFileSync(config, "utf8")}\nfirewal: {}\n`);
    expect(await failed(config)).toMatchObject({
      stage: "configuration",
      text: expect.stringMatching(/firewal: unknown key/),
    });
  });

  test("names a file that is not there", async () => {
    const config = join(files.folder, "none.yml");
    expect(await failed(config)).toMatchObject({
      stage: "configuration",
      text: `${config} does not exist`,
      todo: "check the path",
    });
  });

  test.each<[string, (folder: string) => void, RegExp]>([
    ["is not there", (folder) => rmSync(join(folder, "laptop.crt")), /laptop\.crt does not exist/],
    [
      "is another host's",
      (folder) => writeFileSync(join(folder, "laptop.crt"), readFileSync(join(folder, "other.crt"))),
      /pki\./,
    ],
    ["is no certificate", (folder) => writeFileSync(join(folder, "laptop.crt"), "nothing"), /pki\.cert/],
  ])("names the certificate that %s", async (_, spoil, says) => {
    files.host("other", "10.77.0.4", port, "");
    spoil(files.folder);
    expect(await failed(config)).toMatchObject({ stage: "certificate", text: expect.stringMatching(says) });
  });

  test("names the port that another process has, and leaves it alone", async () => {
    const holder = createSocket("udp4");
    await new Promise<void>((resolve) => holder.bind(port, "127.0.0.1", resolve));
    expect(await failed(config)).toMatchObject({
      stage: "daemon",
      text: `lacis does not run, and would not start: UDP port ${port} is taken by another process`,
    });
    await new Promise<void>((resolve) => holder.close(() => resolve()));
    expect(await failed(config)).toMatchObject({ text: "lacis does not run" });
  });
});

async function failed(path: string): Promise<StageReport | undefined> {
  const report = await withoutDaemon(undefined, path);
  return report.stages.find(({ stage }) => stage === report.failed);
}
