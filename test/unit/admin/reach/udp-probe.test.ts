import { createSocket } from "node:dgram";
import { describe, expect, test } from "vitest";
import { thoroughPing } from "../../../../src/admin/reach/thorough-ping.ts";
import { probeUdp } from "../../../../src/admin/reach/udp-probe.ts";
import type { PingResult } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { pingFailureText } from "../../../../src/core/operator/failure-text.ts";
import type { Place } from "../../../../src/core/path/place.ts";
import { freePort } from "../../runtime/mesh-files.ts";

const target = { by: "address", address: "10.77.0.2" as IpAddress } as const;

describe("a place that a host was called at in vain", () => {
  test("says that nobody listens there", async () => {
    expect(await probeUdp(`127.0.0.1:${await freePort()}` as Endpoint)).toBe("nobody-listens");
    expect(await probeUdp(`[::1]:${await freePort()}` as Endpoint)).toBe("nobody-listens");
  });

  test("says nothing where somebody listens, who is sent nothing that means anything", async () => {
    const heard: Buffer[] = [];
    const socket = createSocket("udp4", (datagram) => void heard.push(datagram));
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    expect(await probeUdp(`127.0.0.1:${socket.address().port}` as Endpoint)).toBeUndefined();
    socket.close();
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every(({ length }) => length === 1)).toBe(true);
  });
});

describe("a ping without an answer", () => {
  const silent = (...tried: string[]): PingResult => ({
    outcome: "failed",
    name: undefined,
    address: target.address,
    failure: { reason: "handshake-timeout", why: "no-answer", tried: tried as Place[], waitedMs: 5_500, attempts: 10 },
  });

  test("asks where it was in vain, and says what was said there, and what to do", async () => {
    const asked: string[] = [];
    const probe = async (at: Endpoint) => {
      asked.push(at);
      return at === "192.0.2.2:4242" ? ("nobody-listens" as const) : undefined;
    };
    const result = await thoroughPing(
      async () => silent("192.0.2.2:4242", "192.0.2.3:4242", "via 10.77.0.9"),
      target,
      7_000,
      probe,
    );
    expect(asked).toEqual(["192.0.2.2:4242", "192.0.2.3:4242"]);
    if (result.outcome !== "failed") expect.fail("no answer is a failure");
    expect(pingFailureText(result.failure)).toEqual({
      text: "No answer from 192.0.2.2:4242, 192.0.2.3:4242, via 10.77.0.9 in 5.5 s (10 attempts). The machine at 192.0.2.2:4242 says that nobody listens there.",
      todo: "Start lacis there, or correct the port: listen.port there, static_host_map here.",
    });
  });

  test("asks eight places at most, and none where somebody has answered", async () => {
    let asked = 0;
    const probe = async () => {
      asked++;
      return undefined;
    };
    const many = Array.from({ length: 30 }, (_, i) => `192.0.2.${i + 1}:4242`);
    expect(await thoroughPing(async () => silent(...many), target, 7_000, probe)).toEqual(silent(...many));
    expect(asked).toBe(8);
    const down: PingResult = {
      outcome: "failed",
      name: undefined,
      address: undefined,
      failure: { reason: "data-plane-down" },
    };
    expect(await thoroughPing(async () => down, target, 7_000, probe)).toBe(down);
    expect(asked).toBe(8);
  });
});
