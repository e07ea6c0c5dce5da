import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const MODULE = fileURLToPath(new URL("../../../dist/src/cli/end-process.js", import.meta.url));

/** How a process ends that obeys SIGTERM by ending itself with this status, and what it had said by then. */
async function endOf(status: number, before: string): Promise<{ code: number | null; signal: string | null }> {
  const script = `
    import { endProcess } from ${JSON.stringify(MODULE)};
    ${before}
    process.on("SIGTERM", () => console.log("told"));
    setTimeout(() => endProcess(${status}), 50);
    setTimeout(() => {}, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  const [code, signal] = await once(child, "exit");
  return { code, signal };
}

/** As in a lookup that nobody answers: the kind of what is under way is all that is looked at. */
const LOOKING_UP = `process.getActiveResourcesInfo = () => ["Timeout", "GetAddrInfoReqWrap"];`;

describe("a process that has nothing left to do ends", () => {
  test("with the status that it is to have", async () => {
    expect(await endOf(0, "")).toEqual({ code: 0, signal: null });
    expect(await endOf(1, "")).toEqual({ code: 1, signal: null });
  });

  test("by a signal while the system's resolver is asked: a good end by SIGTERM, although it obeys that, a bad one by SIGKILL", async () => {
    expect(await endOf(0, LOOKING_UP)).toEqual({ code: null, signal: "SIGTERM" });
    expect(await endOf(1, LOOKING_UP)).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("is known by what Node.js calls a lookup", async () => {
    const script = `
      require("node:dns").lookup("localhost", () => {});
      console.log(process.getActiveResourcesInfo().join());`;
    const child = spawn(process.execPath, ["-e", script]);
    const [said] = await once(child.stdout, "data");
    expect(String(said).trim().split(",")).toContain("GetAddrInfoReqWrap");
  });
});
