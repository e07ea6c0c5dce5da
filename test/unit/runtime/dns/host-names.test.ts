import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NameSettings } from "../../../../src/core/config/settings.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { HostNames } from "../../../../src/runtime/dns/host-names.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { OperatorError } from "../../../../src/runtime/operator-error.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { type HostPlan, identityOf, settingsOf } from "../../fixtures/settings.ts";

const OWNER = "config-1f0c93ab";
const WISH = { owner: OWNER, domain: "mesh", server: "10.77.0.2", device: "mesh0" };

let device: string | undefined;
let done: unknown[];
let events: OperatorEvent[];
let isTold: boolean;
let refusal: string | undefined;
let answers: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  [device, done, events, isTold, refusal, answers] = ["mesh0", [], [], false, undefined, true];
});
afterEach(() => void vi.useRealTimers());

describe("names of the overlay for programs on this host", () => {
  test("are told to the resolver after what an earlier run has left is gone, and taken back at the stop", async () => {
    const names = namesOf({ domain: "mesh", mode: "file" });
    await names.recover();
    await names.start();
    await names.stop();
    expect(done).toEqual([
      ["recover", OWNER],
      ["choose", "file"],
      ["wire", WISH],
      ["unwire", WISH],
    ]);
    expect(events).toEqual([{ code: "names-wired", domain: "mesh", how: "a file" }]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toHaveLength(4);
  });

  test("that somebody else has left out are told again within a second", async () => {
    const names = namesOf({ domain: "mesh", mode: "auto" });
    await names.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(events).toHaveLength(1);
    isTold = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events).toHaveLength(2);
    await names.stop();
  });

  test("wait for a device, and are told anew for another one", async () => {
    device = undefined;
    const names = namesOf({ domain: "mesh", mode: "auto" });
    await names.start();
    expect(done).toEqual([]);
    device = "tun1";
    names.deviceIsUp();
    await vi.advanceTimersByTimeAsync(0);
    expect(done.at(-1)).toEqual(["wire", { ...WISH, device: "tun1" }]);
    await names.stop();
  });

  test("are named where the resolver cannot be told of them, once, until it can", async () => {
    refusal = "it is read-only";
    const names = namesOf({ domain: "mesh", mode: "auto" });
    await names.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(events).toEqual([{ code: "names-not-wired", why: refusal }]);
    expect(names.health()).toMatchObject([
      { code: "names-not-wired", text: "programs on this host do not find names below mesh: it is read-only" },
    ]);
    refusal = undefined;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names.health()).toEqual([]);
    await names.stop();
  });

  test("are told to nobody before this host answers, and stay told once it has", async () => {
    answers = false;
    const names = namesOf({ domain: "mesh", mode: "auto" });
    await names.start();
    expect(done).toEqual([]);
    expect(names.health()).toMatchObject([
      { text: expect.stringContaining("does not answer at 10.77.0.2, port 53"), because: ["dns-not-listening"] },
    ]);
    answers = true;
    await vi.advanceTimersByTimeAsync(1_000);
    answers = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(names.health()).toEqual([]);
    await names.stop();
    expect(done.at(-1)).toEqual(["unwire", WISH]);
  });

  test("are described: who was told, where, whether it still stands, and what there is beside it", async () => {
    const names = namesOf({ domain: "mesh", mode: "auto" });
    expect(await names.describe()).toMatchObject({ domain: "mesh", wired: undefined });
    await names.start();
    const told = { how: "a file", server: WISH.server, device: "mesh0", isAnswered: true };
    const machine = { file: "/etc/resolv.conf", manager: "dhclient", servers: ["10.77.0.2"], others: [] };
    expect(await names.describe()).toMatchObject({ mode: "auto", wired: { ...told, stands: true }, machine });
    isTold = false;
    expect(await names.describe()).toMatchObject({ wired: { stands: false } });
  });

  test("are nothing to a host without a domain or without a device, but what an earlier run left is taken out", async () => {
    const without = namesOf({ domain: undefined, mode: "auto" });
    for (const names of [without, namesOf({ domain: "mesh", mode: "auto" }, true)]) {
      await names.recover();
      await names.start();
      names.deviceIsUp();
      await vi.advanceTimersByTimeAsync(5_000);
      await names.stop();
    }
    expect(done).toEqual([
      ["recover", OWNER],
      ["recover", OWNER],
    ]);
  });
});

function namesOf(names: NameSettings, disabled = false): HostNames {
  const plan: HostPlan = { name: "laptop", networks: ["10.77.0.2/24"] };
  const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
  const boot = { ...settings.boot, names, tun: { ...settings.boot.tun, disabled } };
  return new HostNames(
    { ...settings, boot },
    {
      owner: OWNER,
      device: () => device,
      answersAt: (address) => answers && address === WISH.server,
      tell: (event) => events.push(event),
      resolver: {
        look: () => ({ file: "/etc/resolv.conf", manager: "dhclient", servers: ["10.77.0.2"], others: [] }),
        recover: async (owner) => void done.push(["recover", owner]),
        wiring: async (mode) => {
          done.push(["choose", mode]);
          return {
            how: "a file",
            lookMs: 1_000,
            wire: async (wish) => {
              if (refusal !== undefined)
                throw new OperatorError("resolver-program", { what: "cannot", why: refusal, todo: "wait" });
              done.push(["wire", wish]);
              const changed = !isTold;
              isTold = true;
              return changed;
            },
            holds: async () => isTold,
            unwire: async (wish) => void done.push(["unwire", wish]),
          };
        },
      },
    },
  );
}
