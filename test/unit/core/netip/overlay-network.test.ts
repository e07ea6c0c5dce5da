import { describe, expect, test } from "vitest";
import { overlayDoubt, withoutRoom } from "../../../../src/core/netip/overlay-network.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";

const doubt = (text: string) => overlayDoubt(parsePrefix(text)!);

describe("a network for a mesh", () => {
  test.each([
    "10.77.0.0/24",
    "10.0.0.0/8",
    "172.31.0.0/16",
    "192.168.7.0/24",
    "100.64.0.0/10",
    "198.18.3.0/24",
    "fd12:3456::/64",
  ])("may be %s", (text) => expect(doubt(text)).toBeUndefined());

  test.each<[string, RegExp]>([
    ["127.0.0.0/24", /loopback/],
    ["::1/128", /loopback/],
    ["0.0.0.0/0", /loopback/],
    ["0.0.0.0/24", /stand for this host/],
    ["169.254.7.0/24", /link-local/],
    ["fe80::/64", /link-local/],
    ["224.0.0.0/24", /multicast/],
    ["ff02::/64", /multicast/],
    ["240.0.0.0/8", /reserved/],
    ["255.255.255.0/24", /reserved/],
    ["::/0", /loopback/],
  ])("cannot be %s", (text, why) => expect(doubt(text)).toEqual({ is: "no", why: expect.stringMatching(why) }));

  test.each(["8.8.8.0/24", "172.32.0.0/16", "10.0.0.0/7", "2a00:1450::/32", "2001::/16"])(
    "is somebody else's where it is %s, or holds more than is private",
    (text) => expect(doubt(text)).toMatchObject({ is: "others" }),
  );

  test("has room for a second host", () => {
    for (const text of ["10.77.0.0/31", "10.77.0.1/32", "fd00::/127", "fd00::1/128"])
      expect(withoutRoom(parsePrefix(text)!)).toBe("it has no room for a second host");
    for (const text of ["10.77.0.0/30", "fd00::/126", "10.0.0.0/8"])
      expect(withoutRoom(parsePrefix(text)!)).toBeUndefined();
  });
});
