import { spawn } from "node:child_process";
import { join } from "node:path";
import { fail, ok, type Result } from "../../src/core/base/result.ts";
import { packageRoot } from "../../src/runtime/package-root.ts";
import type { Publisher, Spread } from "../enrolment/announcements.ts";
import { Turns } from "../enrolment/storage/turns.ts";

/** Longer than `lacis publish` waits for hosts to apply it. */
const PUBLISH_MAX_MS = 20_000;
const OUTPUT_CHARACTERS_MAX = 1 << 20;

/**
 * Gives bulletins to the network by way of the host that runs on this machine, or of the one with this admin socket ("….sock") or configuration: `lacis publish` as a child,
 * because this program knows certificates and no hosts. One at a time: a service may have room for few processes.
 */
export function localPublisher(host: string | undefined): Publisher {
  const program = join(packageRoot(), "dist/src/cli/main.js");
  const which = host === undefined ? [] : [host.endsWith(".sock") ? "--socket" : "--config", host];
  const turns = new Turns();
  return {
    publish: (bulletin) =>
      turns.take(async () => {
        const { code, printed, said } = await run([program, "publish", "-", "--json", ...which], bulletin);
        return code === 0 ? spreadIn(printed) : fail(reasonIn(said));
      }),
  };
}

function run(args: readonly string[], input: string) {
  return new Promise<{ readonly code: number | null; readonly printed: string; readonly said: string }>((resolve) => {
    const child = spawn(process.execPath, args, { stdio: "pipe", timeout: PUBLISH_MAX_MS });
    let [printed, said] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (printed.length < OUTPUT_CHARACTERS_MAX) printed += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < OUTPUT_CHARACTERS_MAX) said += text;
    });
    // It may end before it has read everything.
    child.stdin.on("error", () => {});
    child.once("error", (error) => resolve({ code: null, printed, said: error.message }));
    child.once("close", (code) => resolve({ code, printed, said }));
    child.stdin.end(input);
  });
}

/** What `lacis publish --json` prints. */
function spreadIn(printed: string): Result<Spread, string> {
  try {
    const { bulletin } = JSON.parse(printed) as { readonly bulletin: Spread & { readonly silent: readonly string[] } };
    const { hosts, applied, pending, silent } = bulletin;
    return ok({ hosts, applied, pending: [...pending, ...silent] });
  } catch {
    return fail("lacis publish has said something else than how far it came");
  }
}

/** "lacis: what - why - what to do": the first two. */
function reasonIn(said: string): string {
  const [what = "", why = ""] = (said.trim().split("\n").at(-1) ?? "").replace(/^lacis: /, "").split(" - ");
  return what === "" ? "lacis publish ended without a word" : `${what}${why && `: ${why}`}`;
}
