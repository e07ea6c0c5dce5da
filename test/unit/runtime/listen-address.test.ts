import { expect, test } from "vitest";
import type { Host, Settings } from "../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { listenAddress, withListenAddress } from "../../../src/runtime/listen-address.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../fixtures/authority.ts";
import { identityOf, settingsOf } from "../fixtures/settings.ts";

test("an address stays as it is, and nobody is asked", async () => {
  const written = settings("192.0.2.1" as IpAddress);
  expect(await withListenAddress(written, () => Promise.reject(new Error("asked")))).toBe(written);
});

test("a name stands for what it resolves to at the start", async () => {
  const { boot } = await withListenAddress(settings({ name: "here.example" }), async (name) => {
    expect(name).toBe("here.example");
    return "192.0.2.7" as IpAddress;
  });
  expect(listenAddress(boot.listen.host)).toBe("192.0.2.7");
});

test("the system's own names resolve", async () => {
  const { boot } = await withListenAddress(settings({ name: "localhost" }));
  expect(["127.0.0.1", "::1"]).toContain(boot.listen.host);
});

test("a name that does not resolve is refused with what to do about it", async () => {
  const name = `${"no".repeat(40)}.invalid`;
  await expect(withListenAddress(settings({ name }))).rejects.toMatchObject({
    code: "listen-host-unknown",
    message: expect.stringMatching(
      /^cannot listen at .* - the name in listen\.host does not resolve \(\w+\) - see what/,
    ),
  });
});

test("nothing listens at a name", () => {
  expect(() => listenAddress({ name: "here.example" })).toThrow(/a name has to be resolved/);
});

function settings(host: Host): Settings {
  const plan = { name: "a", networks: ["10.77.0.1/24"] };
  const whole = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 7), 1), plan);
  return { ...whole, boot: { ...whole.boot, listen: { ...whole.boot.listen, host } } };
}
