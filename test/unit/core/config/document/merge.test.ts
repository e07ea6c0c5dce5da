import { describe, expect, test } from "vitest";
import { errorsOf, parsed, SOUND, settingsOf } from "../parsed.ts";

describe("of several files", () => {
  test("scenario 61: the later one's scalar wins", () => {
    expect(settingsOf([`${SOUND}listen: {port: 1, batch: 2}`, "listen: {port: 4242}"]).boot.listen).toMatchObject({
      port: 4242,
      batch: 2,
    });
  });

  test("scenario 61: the later one's list items stand first", () => {
    const { preferredRanges } = settingsOf([
      `${SOUND}preferred_ranges: [10.0.0.0/8]`,
      "preferred_ranges: [192.0.2.0/24]",
    ]).live;
    expect(preferredRanges.map(({ address }) => address)).toEqual(["192.0.2.0", "10.0.0.0"]);
  });

  test("a key without a value does not take the earlier one's away", () => {
    expect(settingsOf([`${SOUND}listen: {port: 4242}`, "listen:\n"]).boot.listen.port).toBe(4242);
  });

  test("each error names its own file", () => {
    expect(errorsOf([`${SOUND}listen: {port: x}`, "tun:\n  mtu: y\n"])).toEqual([
      'a.yml:8:16: listen.port: "x" is not a whole number',
      'b.yml:2:8: tun.mtu: "y" is not a whole number',
    ]);
  });

  test("a list here and a map there are an error", () => {
    expect(errorsOf([SOUND, "firewall: {inbound: {port: any}}"])).toContain(
      "b.yml:1:21: firewall.inbound: a map here and a list in a.yml:7 - write it the same way in both files",
    );
  });

  test("a value's origin is the file that it was taken from", () => {
    const { effective } = parsed([`${SOUND}listen: {port: 1}`, "listen: {port: 4242}"]);
    expect(effective.find(({ path }) => path === "listen.port")).toEqual({
      path: "listen.port",
      value: 4242,
      origin: { file: "b.yml", line: 1, column: 16 },
    });
  });
});
