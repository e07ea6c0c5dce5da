import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import type { WatchListener } from "../../../../src/runtime/native-watch.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { DeviceWatch } from "../../../../src/runtime/routes/device-watch.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { type HostPlan, identityOf, settingsOf } from "../../fixtures/settings.ts";

let device: string | undefined;
let looks: number;
let events: OperatorEvent[];
let watches: { readonly args: string; readonly told: WatchListener; ended: boolean }[];

beforeEach(() => {
  vi.useFakeTimers();
  [device, looks, events, watches] = ["mesh0", 0, [], []];
});
afterEach(() => void vi.useRealTimers());

describe("what others do to the device", () => {
  test("is looked at at once, and what follows is looked at together", () => {
    const watch = started();
    expect(watches[0]?.args).toBe("changes watch --device mesh0 --network 10.77.0.2/24");
    say();
    vi.advanceTimersByTime(0);
    expect(looks).toBe(1);
    for (let more = 0; more < 10; more++) say();
    vi.advanceTimersByTime(249);
    expect(looks).toBe(1);
    vi.advanceTimersByTime(1);
    expect(looks).toBe(2);
    expect(watch.health()).toEqual([]);
  });

  test("is listened for under the same name when the device is another one, and under another name anew", () => {
    const watch = started();
    watch.deviceIsUp();
    expect(watches).toHaveLength(1);
    device = "tun1";
    watch.deviceIsUp();
    expect(watches.map(({ args, ended }) => [args.includes("tun1"), ended])).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  test("is not heard for a while when the watch ends by itself, which is told once", () => {
    const watch = started();
    watches[0]?.told.ended("it ended with SIGKILL");
    expect(watch.health()).toMatchObject([{ code: "device-not-watched", severity: "warning" }]);
    vi.advanceTimersByTime(2_000);
    watches[1]?.told.ended("it ended with SIGKILL");
    vi.advanceTimersByTime(2_000);
    expect(watches).toHaveLength(3);
    expect(events).toEqual([{ code: "device-watch-ended", why: "it ended with SIGKILL" }]);
    watches[2]?.told.line("");
    expect(watch.health()).toEqual([]);
  });

  test("is nothing to somebody without a device, nor after the stop", async () => {
    started({ disabled: true });
    expect(watches).toEqual([]);
    const watch = started();
    say();
    await watch.stop();
    vi.advanceTimersByTime(1_000);
    expect([looks, watches[0]?.ended]).toEqual([0, true]);
  });
});

function say(): void {
  watches.at(-1)?.told.line(`{"changed":true}`);
}

function started({ disabled = false } = {}): DeviceWatch {
  const plan: HostPlan = { name: "laptop", networks: ["10.77.0.2/24"] };
  const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
  const tun = { ...settings.boot.tun, disabled };
  const watch = new DeviceWatch(
    { ...settings, boot: { ...settings.boot, tun } },
    {
      device: () => device,
      changed: () => looks++,
      tell: (event) => events.push(event),
      spawn: (args, told) => {
        const one = { args: args.join(" "), told, ended: false };
        watches.push(one);
        return {
          end: () => {
            one.ended = true;
          },
        };
      },
    },
  );
  watch.start();
  return watch;
}
