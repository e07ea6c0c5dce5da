import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RememberedHost } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { Memory } from "../../../../src/runtime/state/memory.ts";
import { formatHosts, parseHosts } from "../../../../src/runtime/state/remembered-hosts.ts";

const HOSTS = [
  { addresses: ["10.77.0.2", "fd77::2"], endpoints: ["192.0.2.2:4242"], relays: [], inUse: true },
  { addresses: ["10.77.0.3"], endpoints: ["[2001:db8::3]:4242"], relays: ["10.77.0.9"], inUse: false },
] as unknown as readonly RememberedHost[];

let folder: string;
let path: string;
let events: OperatorEvent[];
let recalled: (readonly RememberedHost[])[];
let remembered: readonly RememberedHost[];
beforeEach(() => {
  vi.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), "lacis-memory-"));
  path = join(folder, "kept", "config.places.json");
  [events, recalled, remembered] = [[], [], []];
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

describe("what is remembered", () => {
  test("is written within seconds and at the stop, readable by nobody else, and recalled at the next start", () => {
    const memory = started();
    expect(recalled).toEqual([]);
    remembered = HOSTS.slice(0, 1);
    vi.advanceTimersByTime(2_000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    started().stop();
    remembered = HOSTS;
    memory.stop();
    started();
    expect(recalled).toEqual([HOSTS.slice(0, 1), HOSTS]);
    expect(events).toEqual([]);
  });

  test("is not written again while nothing changes, and not forgotten by a host that reaches nobody", () => {
    remembered = HOSTS;
    const memory = started();
    vi.advanceTimersByTime(2_000);
    rmSync(path);
    vi.advanceTimersByTime(60_000);
    expect(existsSync(path)).toBe(false);
    remembered = [];
    memory.stop();
    expect(existsSync(path)).toBe(false);
  });

  test("is written again once a minute, and at the stop, when only the order is another one", () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const later = (ms: number): void => {
      now += ms;
      vi.advanceTimersByTime(ms);
    };
    remembered = HOSTS;
    const memory = started();
    later(2_000);
    const reversed = [...HOSTS].reverse();
    remembered = reversed;
    later(30_000);
    expect(parseHosts(readFileSync(path, "utf8"))).toEqual({ ok: true, value: HOSTS });
    later(32_000);
    expect(parseHosts(readFileSync(path, "utf8"))).toEqual({ ok: true, value: reversed });
    remembered = HOSTS;
    memory.stop();
    expect(parseHosts(readFileSync(path, "utf8"))).toEqual({ ok: true, value: HOSTS });
  });

  test("is looked for less often where that takes long", () => {
    let [now, looks] = [0, 0];
    vi.spyOn(performance, "now").mockImplementation(() => now);
    started({
      remembered: () => {
        looks++;
        now += 20;
        return HOSTS;
      },
    });
    vi.advanceTimersByTime(2_000 + 3 * 20_000);
    expect(looks).toBe(4);
  });

  test("is given up with one word about it when it is damaged, and written anew", () => {
    mkdirSync(join(folder, "kept"), { mode: 0o700 });
    writeFileSync(path, "{");
    remembered = HOSTS;
    started().stop();
    expect(recalled).toEqual([]);
    expect(events).toEqual([{ code: "places-unreadable", path, why: "is no list of places" }]);
    expect(parseHosts(readFileSync(path, "utf8"))).toEqual({ ok: true, value: HOSTS });
  });

  test("cannot be written: that is said once, and the host goes on", () => {
    writeFileSync(join(folder, "kept"), "");
    remembered = HOSTS;
    const memory = started();
    vi.advanceTimersByTime(30_000);
    memory.stop();
    expect(events).toMatchObject([{ code: "places-unwritable", why: expect.stringMatching(/ /) }]);
  });

  test("could be written, and cannot again: that is said again", () => {
    const folderFile = join(folder, "kept");
    writeFileSync(folderFile, "");
    remembered = HOSTS;
    const memory = started();
    vi.advanceTimersByTime(2_000);
    rmSync(folderFile);
    vi.advanceTimersByTime(2_000);
    rmSync(folderFile, { recursive: true });
    writeFileSync(folderFile, "");
    remembered = HOSTS.slice(0, 1);
    memory.stop();
    expect(events.map(({ code }) => code)).toEqual(["places-unwritable", "places-unwritable"]);
  });

  test("is nothing where there is no place for it", () => {
    const memory = started({ path: undefined });
    remembered = HOSTS;
    memory.stop();
    expect([recalled, events]).toEqual([[], []]);
  });
});

describe("the text of what is remembered", () => {
  test("is read to what it was made of, and what is none in it is left out", () => {
    expect(parseHosts(formatHosts(HOSTS))).toEqual({ ok: true, value: HOSTS });
    const odd = `{"format":1,"hosts":[{"addresses":["x",1],"endpoints":["192.0.2.2:99999"],"relays":[{}],"inUse":"yes"}]}`;
    expect(parseHosts(odd)).toEqual({
      ok: true,
      value: [{ addresses: [], endpoints: [], relays: [], inUse: false }],
    });
  });

  test("is bounded whatever it says", () => {
    const host = { ...HOSTS[0]!, addresses: Array.from({ length: 100 }, (_, i) => `10.77.1.${i}` as IpAddress) };
    const read = parseHosts(formatHosts(Array.from({ length: 5_000 }, () => host)));
    expect(read.ok && read.value.length).toBe(1_024);
    expect(read.ok && read.value[0]?.addresses.length).toBe(8);
  });

  test("is read to an end, whatever it is", () => {
    fc.assert(fc.property(fc.string(), (text) => !parseHosts(text).ok));
    fc.assert(fc.property(fc.json(), (hosts) => void parseHosts(`{"format":1,"hosts":[${hosts}]}`)));
    expect(parseHosts(`{"format":2,"hosts":[]}`)).toEqual({ ok: false, reason: "is of another release" });
  });
});

function started(options: { path?: string | undefined; remembered?: () => readonly RememberedHost[] } = {}): Memory {
  const memory = new Memory({
    path,
    recalled: (hosts) => void recalled.push(hosts),
    remembered: () => remembered,
    tell: (event) => void events.push(event),
    ...options,
  });
  memory.start();
  return memory;
}
