import { rmSync, writeFileSync } from "node:fs";
import type { BootSettings } from "../../../core/config/settings.ts";
import type { StateDirectory } from "../../state/state-directory.ts";
import { readStateFile } from "../../state/trust.ts";

/** What the devices of a data plane were opened with and it does not tell: a restart beside it must not leave these keys without effect. */
const TOLD_BY_NOBODY = {
  "listen.batch": ({ listen }: BootSettings) => listen.batch,
  "listen.read_buffer": ({ listen }: BootSettings) => listen.readBufferBytes,
  "listen.write_buffer": ({ listen }: BootSettings) => listen.writeBufferBytes,
  "listen.so_mark": ({ listen }: BootSettings) => listen.soMark,
  "listen.udp_offloads": ({ queues }: BootSettings) => queues.udpOffloads,
  routines: ({ queues }: BootSettings) => queues.pairs,
  "tun.use_offloads": ({ queues }: BootSettings) => queues.tunOffloads,
  "tun.pin_threads": ({ queues }: BootSettings) => queues.threads.pinned,
  "tun.pin_threads_key": ({ queues }: BootSettings) => queues.threads.seed,
  "tun.cpu_affinity": ({ queues }: BootSettings) => queues.threads.cpus.join(),
  "tun.tx_queue": ({ tun }: BootSettings) => (tun.disabled ? 0 : tun.txQueue),
};

/** Kept beside the data plane's socket, for whoever takes it over. */
export function rememberDevices(state: StateDirectory, boot: BootSettings): void {
  const values = Object.entries(TOLD_BY_NOBODY).map(([key, valueIn]) => [key, valueIn(boot)]);
  rmSync(state.dataPlaneDevices, { force: true });
  writeFileSync(state.dataPlaneDevices, JSON.stringify(Object.fromEntries(values)), { mode: 0o640, flag: "wx" });
}

/** The keys that have other values by now. What an older control plane opened has left no note: then none. */
export function otherDevices(state: StateDirectory, boot: BootSettings): readonly string[] {
  const opened = readNote(state.dataPlaneDevices);
  return Object.entries(TOLD_BY_NOBODY)
    .filter(([key, valueIn]) => opened[key] !== undefined && opened[key] !== valueIn(boot))
    .map(([key]) => key);
}

function readNote(path: string): Readonly<Record<string, unknown>> {
  try {
    const text = readStateFile(path);
    const note: unknown = text.ok ? JSON.parse(text.value) : undefined;
    return typeof note === "object" && note !== null ? { ...note } : {};
  } catch {
    return {};
  }
}
