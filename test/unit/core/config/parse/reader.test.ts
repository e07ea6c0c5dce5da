import { describe, expect, test } from "vitest";
import { Fault } from "../../../../../src/core/base/fault.ts";
import { Findings } from "../../../../../src/core/config/document/findings.ts";
import { ConfigReader } from "../../../../../src/core/config/parse/reader.ts";

describe("a half of the settings", () => {
  const reader = new ConfigReader(new Map(), new Findings());

  test("is read from the keys that the schema puts there", () => {
    expect([reader.boot.integer("tun.tx_queue"), reader.live.boolean("tun.drop_multicast")]).toEqual([500, false]);
  });

  test("cannot be read from a key of the other half", () => {
    expect(() => reader.live.integer("tun.tx_queue")).toThrow(Fault);
    expect(() => reader.boot.given("firewall.inbound")).toThrow(/puts firewall\.inbound into the other half/);
  });
});
