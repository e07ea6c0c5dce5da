import { expect, test } from "vitest";
import { Pseudonyms } from "../../../src/cli/bugreport/pseudonyms.ts";
import { pseudonymsOf } from "../../../src/cli/bugreport/pseudonyms-of.ts";

test("a report keeps its shape, and each name, group and address has one other name wherever it stands", () => {
  const report = {
    host: { name: "laptop", groups: ["admins"], addresses: ["10.77.0.3"] },
    peers: [{ name: "db1", groups: ["db"], addresses: ["10.77.0.2"], path: "direct 192.0.2.2:4242", loss: 0.25 }],
    lighthouses: [{ name: "lh", address: "10.77.0.1", up: true }],
    health: [{ text: "no tunnel to db1 (10.77.0.2)" }],
  };
  const pseudonyms = pseudonymsOf(report as never);
  expect(pseudonyms).toBeInstanceOf(Pseudonyms);
  const text = pseudonyms.hide(JSON.stringify(report));
  expect(text).not.toMatch(/laptop|db1|admins|\blh\b|10\.77|192\.0\.2/);
  const shown = JSON.parse(text);
  expect(Object.keys(shown)).toEqual(Object.keys(report));
  const [peer] = shown.peers;
  expect(peer).toMatchObject({ name: expect.stringMatching(/^host-\d$/), loss: 0.25 });
  expect(shown.health[0].text).toBe(`no tunnel to ${peer.name} (${peer.addresses[0]})`);
  expect(peer.path).toMatch(/^direct address-\d:4242$/);
});
