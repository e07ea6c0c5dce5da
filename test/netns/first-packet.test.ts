import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isInstalled } from "./lab/command.ts";
import { DEVICE } from "./lab/host-config.ts";
import { buildTrio, type Trio } from "./lab/trio.ts";

const ROUNDS = 3;

describe.skipIf(!(await isInstalled("ping")))("a host that has only just started", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("first-packet");
    await trio.lighthouse.start();
  });
  afterAll(() => trio.mesh.close());

  test("loses no packet of a program that sends as soon as it sees the device", async () => {
    const { laptop, server } = trio;
    for (let round = 1; round <= ROUNDS; round++) {
      const ping = `ping -n -c 1 -W 5 ${server.overlay4}`;
      const seen = `ip -brief address show dev ${DEVICE} 2>&1 | grep -q ${laptop.overlay4}`;
      const sent = laptop.machine.run("sh", ["-c", `until ${seen}; do :; done; exec ${ping}`], { timeoutMs: 30_000 });
      await Promise.all([server.start(), laptop.start()]);
      const { stdout, stderr } = await sent;
      console.log(`round ${round}: ${/time=.*/.exec(stdout)?.[0] ?? "no answer"}`);
      expect(stdout + stderr).toContain("1 received");
      await Promise.all([server.stop(), laptop.stop()]);
    }
  });
});
