import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cable, NOTHING_PASSES } from "./lab/cable.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { type StreamReport, serve, stream } from "./lab/program.ts";

/** What a cable does to datagrams of ordinary programs, without a mesh. */
describe("a cable of the lab", () => {
  let network: TestNetwork;
  let cable: Cable;
  let near: Machine;

  beforeAll(async () => {
    network = await TestNetwork.open("cable");
    near = await network.machine("near", ["192.0.2.1/24"]);
    const far = await network.machine("far", ["192.0.2.2/24"]);
    await serve(far, "udp-echo", 7000, "/dev/null");
    cable = await network.cable(near);
  });
  afterAll(() => network.close());

  const ask = (seconds: number): Promise<StreamReport> =>
    stream(near, { address: "192.0.2.2", port: 7000, perSecond: 500, seconds });

  test("that is not told to do anything carries everything", async () => {
    expect(await ask(1)).toMatchObject({ sent: 500, lost: [], late: [] });
  });

  test("loses what it is told to lose, and delays and reorders the rest", async () => {
    await cable.becomes({ loss: 0.2, delayMs: 20, jitterMs: 15 }, {});
    const { sent, lost, late } = await ask(2);
    expect(sent).toBe(1_000);
    expect(lost.length).toBeGreaterThan(120);
    expect(lost.length).toBeLessThan(280);
    expect(late.length).toBeGreaterThan(50);
  });

  test("lets nothing pass in one direction alone", async () => {
    await cable.becomes({}, NOTHING_PASSES);
    const { sent, lost } = await ask(1);
    expect(lost.length).toBe(sent);
    await cable.becomes({});
    expect((await ask(1)).lost).toEqual([]);
  });
});
