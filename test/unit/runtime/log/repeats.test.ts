import { describe, expect, test } from "vitest";
import { type Instant, instant } from "../../../../src/core/base/time.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { Notice } from "../../../../src/core/notice.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { render } from "../../../../src/core/operator/render.ts";
import { Repeats } from "../../../../src/runtime/log/repeats.ts";

const MINUTE = 60_000;

describe("a trouble in the log", () => {
  test("is news once, however long it goes on and however long each attempt took", () => {
    const repeats = new Repeats();
    const news = Array.from({ length: 60 }, (_, i) => repeats.isNews(failed("10.77.0.2", 5_000 + i), at(i)));
    expect(news.filter(Boolean)).toHaveLength(1);
  });

  test("of another host, or for another reason, is another one", () => {
    const repeats = new Repeats();
    expect(repeats.isNews(failed("10.77.0.2"), at(0))).toBe(true);
    expect(repeats.isNews(failed("10.77.0.3"), at(0))).toBe(true);
    expect(repeats.isNews(failed("10.77.0.2", 5_500, "192.0.2.9:1"), at(0))).toBe(true);
  });

  test("is over when it has not come for five minutes, is told so with how often it came, and is news again", () => {
    const repeats = new Repeats();
    for (let i = 0; i < 10; i++) repeats.isNews(failed("10.77.0.2"), at(i));
    expect(repeats.isWaiting).toBe(true);
    expect(repeats.due(at(12))).toEqual([]);
    expect(repeats.due(at(14))).toMatchObject([{ times: 9, isOver: true }]);
    expect(repeats.due(at(30))).toEqual([]);
    expect(repeats.isWaiting).toBe(false);
    expect(repeats.isNews(failed("10.77.0.2"), at(31))).toBe(true);
  });

  test("is over when there is a tunnel, and nobody is told of what came once", () => {
    const repeats = new Repeats();
    for (const address of ["10.77.0.2", "10.77.0.2", "10.77.0.2", "10.77.0.3"]) repeats.isNews(failed(address), at(0));
    expect(repeats.endedBy(up("10.77.0.3"))).toEqual([]);
    expect(repeats.endedBy(up("10.77.0.2"))).toMatchObject([{ times: 2, isOver: true }]);
    expect(repeats.isNews(failed("10.77.0.2"), at(0))).toBe(true);
  });

  test("that goes on is said again each hour", () => {
    const repeats = new Repeats();
    const said: number[] = [];
    for (let i = 0; i < 180; i++) {
      repeats.isNews(failed("10.77.0.2"), at(i));
      for (const { times, isOver } of repeats.due(at(i))) {
        expect(isOver).toBe(false);
        said.push(times);
      }
    }
    expect(said).toEqual([60, 60]);
  });

  test("of denied packets is one for each service that was asked for, whatever port the asker draws", () => {
    const repeats = new Repeats();
    const news = [22, 22, 443, 22].map((port, i) => repeats.isNews(denied(port, 40_000 + i), at(0)));
    expect(news).toEqual([true, false, true, false]);
  });

  test("is never made of what has to be seen each time", () => {
    const repeats = new Repeats();
    const login = render({ code: "console-refused", user: "root", address: "192.0.2.9" });
    for (const notice of [login, up("10.77.0.2"), { ...login, code: "constructor" }])
      expect([0, 1, 2].map((i) => repeats.isNews(notice, at(i)))).toEqual([true, true, true]);
  });

  test("leaves no more behind than there is room for", () => {
    const repeats = new Repeats();
    for (let i = 0; i < 3_000; i++)
      for (let times = 0; times < 2; times++) repeats.isNews(failed(`10.77.${i >> 8}.${i & 255}`), at(0));
    expect(repeats.due(at(60))).toHaveLength(1_024);
  });
});

function at(minute: number): Instant {
  return instant(minute * MINUTE);
}

function failed(address: string, waitedMs = 5_500, tried = "192.0.2.2:4242"): Notice {
  const failure = {
    reason: "handshake-timeout",
    why: "no-answer",
    tried: [tried as Endpoint],
    waitedMs,
    attempts: 10,
  } as const;
  return render({ code: "handshake-failed", address: address as IpAddress, failure });
}

function up(address: string): Notice {
  return { level: "info", code: "tunnel-up", text: "The tunnel to server is up.", fields: { name: "server", address } };
}

function denied(localPort: number, remotePort: number): Notice {
  const sample = {
    reason: "no-matching-rule",
    inbound: true,
    localAddress: "10.77.0.1",
    remoteAddress: "10.77.0.2",
    protocol: 6,
    localPort,
    remotePort,
  };
  return render({ code: "packet-denied", sample, closest: undefined } as unknown as OperatorEvent);
}
