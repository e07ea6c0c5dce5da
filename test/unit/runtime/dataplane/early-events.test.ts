import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DataPlaneEvent, LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { NativeConnection } from "../../../../src/runtime/dataplane/native/native-connection.ts";
import { FakeDataPlane } from "./fake-data-plane.ts";

let directory: string;
let fake: FakeDataPlane;
let connection: NativeConnection;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "lacis-early-"));
  fake = new FakeDataPlane(join(directory, "socket"));
  await fake.listen();
  connection = await NativeConnection.open(join(directory, "socket"));
  await connection.hello();
});
afterEach(async () => {
  connection.close();
  await fake.die();
  rmSync(directory, { recursive: true, force: true });
});

test("what comes before anybody listens is kept: of what is repeated a little, of what is said once all", async () => {
  for (let n = 0; n < 1_000; n++) {
    const localIndex = n as LocalIndex;
    fake.say({ kind: "need-session", destination: "10.77.0.9" as IpAddress });
    fake.say({ kind: "confirmed", localIndex });
    fake.say({ kind: "message", localIndex, type: PacketType.closeTunnel, subtype: 0, body: new Uint8Array() });
    fake.say({ kind: "message", localIndex, type: PacketType.lighthouse, subtype: 0, body: new Uint8Array() });
  }
  const heard = await listen();
  const count = (of: (event: DataPlaneEvent) => boolean) => heard.filter(of).length;
  expect(count(({ kind }) => kind === "confirmed")).toBe(1_000);
  expect(count((event) => event.kind === "message" && event.type === PacketType.closeTunnel)).toBe(1_000);
  expect(heard).toHaveLength(2_000 + 256);
  expect(heard.slice(0, 4).map(({ kind }) => kind)).toEqual(["need-session", "confirmed", "message", "message"]);
});

test("more of what is said once than can wait ends the connection: the next one learns how things stand", async () => {
  for (let n = 0; n <= 131_072; n++) fake.say({ kind: "confirmed", localIndex: n as LocalIndex });
  await expect(listen()).rejects.toThrow("more than can wait");
});

/** Everything that was said before now. */
async function listen(): Promise<readonly DataPlaneEvent[]> {
  await connection.ask({ kind: "drop-parked", destination: "10.77.0.9" as IpAddress });
  const heard: DataPlaneEvent[] = [];
  connection.listen({ event: (event) => heard.push(event), tell: () => {}, lost: () => {} });
  return heard;
}
