import { close, url } from "node:inspector";
import type { Confinement } from "../runtime/confinement.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";

/** A debugger that a signal asked for just before it was refused may open a moment after. */
const SECOND_LOOK_MS = 100;

/** Before the host key is read: no core dump shows it, and no debugger. What became of that is part of `lacis status --verbose`. */
export function protectSecrets(): Confinement {
  const measures = { "no-dump": keepOutOfDumps(), "no-debugger": refuseDebugger() };
  const entries = Object.entries(measures);
  return {
    holds: entries.filter(([, why]) => why === undefined).map(([measure]) => measure),
    lacking: entries.flatMap(([measure, why]) => (why === undefined ? [] : [{ measure, why }])),
    systemCalls: undefined,
  };
}

function keepOutOfDumps(): string | undefined {
  try {
    thisPlatform().secrecy.keepOutOfDumps();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** SIGUSR1 makes Node open one that every user of this machine can reach. Whoever starts `node --inspect` wants his, and gets it. */
function refuseDebugger(): string | undefined {
  process.on("SIGUSR1", () => {});
  const isWanted = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].some((text) => text.includes("--inspect"));
  if (isWanted) return "node was started with --inspect";
  closeDebugger();
  setTimeout(closeDebugger, SECOND_LOOK_MS).unref();
  return undefined;
}

function closeDebugger(): void {
  if (url() !== undefined) close();
}
