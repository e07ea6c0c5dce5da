import { describe, expect, test } from "vitest";
import { parseHostPort } from "../../../../../src/core/config/parse/host-port.ts";

describe("host:port", () => {
  test.each([
    ["192.0.2.1:4242", "192.0.2.1:4242"],
    ["[2001:db8::1]:4242", "[2001:db8::1]:4242"],
    ["[2001:DB8:0::1]:1", "[2001:db8::1]:1"],
  ])("%s is an endpoint", (text, endpoint) => {
    expect(parseHostPort(text)).toEqual({ ok: true, value: { kind: "literal", endpoint } });
  });

  test.each(["lighthouse.example:4242", "lh:4242", "my_host.example.:4242", "4u.example:4242"])(
    "%s is a name",
    (text) => {
      expect(parseHostPort(text)).toMatchObject({ ok: true, value: { kind: "name", port: 4242 } });
    },
  );

  test.each([
    ["192.0.2.1", "has no port - write 192.0.2.1:4242"],
    ["2001:db8::1", "has no port - write [2001:db8::1]:4242"],
    ["[2001:db8::1]", "has no port - write [2001:db8::1]:4242"],
    [
      "2001:db8::1:4242",
      "does not say where the address ends - write [2001:db8::1]:4242 if 4242 is the port, else [2001:db8::1:4242]:4242",
    ],
    ["udp://192.0.2.1:4242", "is not exactly host:port - write 192.0.2.1:4242"],
    ["192.0.2.1:4242/udp", "is not exactly host:port - write 192.0.2.1:4242"],
    [" lh.example:4242 ", "is not exactly host:port - write lh.example:4242"],
    ["192.0.2.1/32", "is a prefix and has no port - write 192.0.2.1:4242"],
    ["192.0.2.0/24", "is a prefix where the address and port of one host belong"],
    ["192.0.2.1/24:4242", "is not exactly host:port - write 192.0.2.1:4242"],
    ["lighthouse.example", "has no port - write lighthouse.example:4242"],
    ["lighthouse.example:", "has no port after the colon"],
    ["192.0.2.1:99999", "has a port that is not 1 to 65535"],
    ["192.0.2.1:0", "has port 0 - write the port that the host listens on"],
    ["fd00::zz:4242", "is neither address:port nor name:port"],
    ["192.0.2.300:4242", "has a host that is no IPv4 address"],
    ["192.0.2.300.:4242", "has a host that is no IPv4 address"],
    ["010.0.0.1:4242", "has a host that is no IPv4 address"],
    ["lh.4:4242", "has a host that is no IPv4 address"],
    ["lh.0x:4242", "has a host that is no IPv4 address"],
    ["0x7f.1:4242", "has a host that is no name but 127.0.0.1 in another form - write 127.0.0.1:4242"],
    ["0xC0000201:4242", "has a host that is no name but 192.0.2.1 in another form - write 192.0.2.1:4242"],
    ["127.1:4242", "has a host that is no name but 127.0.0.1 in another form - write 127.0.0.1:4242"],
    ["2130706433:4242", "has a host that is no name but 127.0.0.1 in another form - write 127.0.0.1:4242"],
    ["0x7f.1:99999", "has a port that is not 1 to 65535"],
    ["0x7f.1", "is no name but 127.0.0.1 in another form, and has no port - write 127.0.0.1:4242"],
    ["[lighthouse.example]:4242", "has something in brackets that is not an IPv6 address"],
    ["a..b:4242", "is neither address:port nor name:port"],
    ["192.0.2.1 4242", "is not exactly host:port - write 192.0.2.1:4242"],
    ["lh.example, 4242", "is not exactly host:port - write lh.example:4242"],
    ["[192.0.2.1]:4242", "has an IPv4 address in brackets, which are for IPv6 - write 192.0.2.1:4242"],
    ["[::ffff:192.0.2.1]:4242", "has an IPv4 address in brackets, which are for IPv6 - write 192.0.2.1:4242"],
    [
      "[fe80::1%eth0]:4242",
      "names an interface behind %, which no place can - write an address that is not link-local",
    ],
    ["fe80::1%eth0", "names an interface behind %, which no place can - write an address that is not link-local"],
    [":4242", "is neither address:port nor name:port"],
  ])("%s is refused", (text, reason) => {
    expect(parseHostPort(text)).toEqual({ ok: false, reason });
  });

  test("an IPv6 address without brackets is refused when it could be meant with a port", () => {
    expect(parseHostPort("2001:db8:1:2:3:4:5:6:4242")).toMatchObject({
      ok: false,
      reason: "needs brackets around the IPv6 address - write [2001:db8:1:2:3:4:5:6]:4242",
    });
  });

  test("port 0 stays 0 where it stands for the port that is bound", () => {
    expect(parseHostPort("192.0.2.1:0", { portless: true })).toMatchObject({
      ok: true,
      value: { endpoint: "192.0.2.1:0" },
    });
    expect(parseHostPort("192.0.2.1:0")).toMatchObject({ ok: false });
  });

  test("a long text of labels takes no time", () => {
    const started = performance.now();
    expect(parseHostPort(`${"a".repeat(100_000)}!:4242`).ok).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
