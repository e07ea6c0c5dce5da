import { afterEach, describe, expect, test, vi } from "vitest";
import { ADVICE } from "../../../../src/runtime/platform/linux/device-advice.ts";

const BINARY = "/usr/lib/lacis/lacis-dataplane";
const UNDERLAY = { owner: "mesh", device: "mesh0", networks: ["10.77.0.2/24"] };

const asked: readonly (readonly [string, () => string])[] = [
  ["a device", () => ADVICE.permitTun(BINARY)],
  ["a low port", () => ADVICE.permitPort(BINARY)],
  ["routes", () => ADVICE.permitGuard()],
  ["a closed underlay", () => ADVICE.closeUnderlay(UNDERLAY)],
];

describe("who lacks a privilege", () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each(asked)("for %s is told what to give to this program, where it has no broker", (_, advice) => {
    vi.stubEnv("LACIS_BROKER", "");
    expect(advice()).toMatch(/setcap cap_net_admin|give lacis CAP_NET_ADMIN/);
    expect(advice()).not.toContain("broker");
  });

  test.each(asked)("for %s is told what to give to the broker's unit, where that changes the network", (_, advice) => {
    vi.stubEnv("LACIS_BROKER", "/run/lacis/broker.sock");
    expect(advice()).toContain("sudo systemctl edit lacis-dataplane");
    expect(advice()).not.toMatch(/setcap|give lacis/);
  });
});
