import { setTimeout as sleep } from "node:timers/promises";
import type { Driver } from "../driver.ts";
import type { Health, Service } from "../service.ts";
import type { DataPlane, DataPlaneDescription, DataPlaneListener } from "./data-plane.ts";

/**
 * The node's life is that of its data plane: it wakes with the first `up`, and its farewells are sent before the data plane goes. `isUp` is told each
 * time that there is one.
 */
export function dataPlaneService(plane: DataPlane, driver: Driver, isUp: () => void = () => {}): Service {
  const listener: DataPlaneListener = {
    up: (udpPort, sessions) => {
      driver.up(udpPort, sessions);
      isUp();
    },
    event: (event) => driver.event(event),
    behind: (ms) => driver.behind(ms),
    down: () => driver.down(),
    tell: (event) => driver.tell(event),
  };
  return {
    name: "data-plane",
    async start() {
      try {
        await plane.start(listener);
      } catch (error) {
        driver.stop();
        throw error;
      }
    },
    reload: ({ settings }) => driver.feed({ kind: "reload", settings: settings.live }),
    async stop(ending) {
      await lastNotes(plane);
      driver.stop(ending);
      await plane.stop(ending);
    },
    health: () => dataPlaneHealth(plane.describe()),
  };
}

/** What a data plane that does not answer still had to say of flows is lost after so long. */
const LAST_NOTES_MS = 500;

/** What waits to be told of flows is told before a sample is, and heard once something behind that has been answered. */
async function lastNotes(plane: DataPlane): Promise<void> {
  plane.command({ kind: "sample" });
  const late = new AbortController();
  const tooLong = sleep(LAST_NOTES_MS, undefined, { signal: late.signal }).catch(() => {});
  await Promise.race([plane.answers(), tooLong]);
  late.abort();
}

export function dataPlaneHealth({ state, lastError, restarts }: DataPlaneDescription): readonly Health[] {
  if (state !== "up") {
    const why = lastError ? `: ${lastError}` : "";
    return [
      {
        code: "data-plane-down",
        severity: "error",
        text: `the data plane is not running${why}`,
        todo: "it is started again by itself; see the log",
        because: ["listen-address-missing"],
      },
    ];
  }
  if (restarts === 0) return [];
  const times = restarts === 1 ? "once" : `${restarts} times`;
  return [
    {
      code: "data-plane-restarted",
      severity: "note",
      text: `the data plane had to be restarted ${times}`,
      todo: "see the log for why",
    },
  ];
}
