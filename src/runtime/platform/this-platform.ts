import { OperatorError } from "../operator-error.ts";
import { LINUX } from "./linux/linux.ts";
import type { Platform } from "./platform.ts";

const SERVED: Readonly<Partial<Record<NodeJS.Platform, Platform>>> = { linux: LINUX };

/** The operating system that this process runs on. One that is not served yet is refused when it is first asked for something. */
export function thisPlatform(name: NodeJS.Platform = process.platform): Platform {
  const platform = SERVED[name];
  if (platform) return platform;
  throw new OperatorError("platform-not-served", {
    what: `cannot run on ${name}`,
    why: `lacis knows only ${Object.keys(SERVED).join(", ")} so far`,
    todo: "run it on Linux, for instance in a virtual machine",
  });
}
