import { describe, expect, test } from "vitest";
import { type CommandResult, run } from "../lab/command.ts";
import { LACIS } from "../lab/implementation.ts";
import { program } from "../lab/program.ts";

const FOLDER = "/tmp/lacis-0";

/** User 65534 in place of root; not everybody's lab has more than one user. */
const AS_MALLORY = "setpriv --reuid 65534 --regid 65534 --clear-groups";
const hasMallory = (await run("sh", ["-c", `${AS_MALLORY} true`])).status === 0;

describe("somebody makes the folder in which root's lacis looks for a daemon, and a server in it that says yes to everything", () => {
  test.skipIf(!hasMallory)(
    "lacis reload says that nothing runs and whose folder it is, and applies nothing",
    async () => {
      const { status, stdout, stderr } = await beside(AS_MALLORY, LACIS.cli("reload"));
      expect(stdout).toBe("");
      expect(stderr).toContain(
        `no daemon is looked for in ${FOLDER} - ${FOLDER} belongs to somebody else (user 65534)`,
      );
      expect(stderr).toContain("lacis is not running");
      expect(status).toBe(3);
    },
  );

  test("the same when it is root's folder, but others can write in it", async () => {
    const { status, stdout, stderr } = await beside(`umask 0; mkdir -m 0777 ${FOLDER};`, LACIS.cli("status"));
    expect(stdout).toBe("");
    expect(stderr).toContain(`others can write in ${FOLDER}`);
    expect(status).toBe(3);
  });

  test("who names the folder is told why it is not believed, with an exit code of its own", async () => {
    const lie = await beside(`mkdir -m 0777 ${FOLDER}; chmod 0777 ${FOLDER};`, [
      ...LACIS.cli("reload"),
      "--state-dir",
      `${FOLDER}/evil`,
    ]);
    expect(lie.stdout).toBe("");
    expect(lie.stderr).toMatch(/^lacis: does not believe what answers on .*owner\.sock - others can write in .* - /);
    expect(lie.status).toBe(5);
  });

  test("a pipe in the place of a lock holds nobody up", async () => {
    const pipe = `mkdir -p ${FOLDER}/x; mkfifo ${FOLDER}/x/lock;`;
    const { status, elapsedMs } = await inTmp(`${pipe} exec ${quoted(LACIS.cli("status"))}`);
    expect(status).toBe(3);
    expect(elapsedMs).toBeLessThan(5_000);
  });
});

/** Runs a command of ours while the liar answers in its folder; `how`: what comes before it, to make it another user or another folder. */
async function beside(how: string, command: readonly string[]): Promise<CommandResult> {
  const [node, args] = program("admin-liar", FOLDER, "evil");
  const ready = `until [ -S ${FOLDER}/evil/owner.sock ]; do sleep 0.05; done`;
  return inTmp(
    `${how} ${quoted([node, ...args])} & liar=$!; ${ready}; ${quoted(command)}; code=$?; kill $liar; exit $code`,
  );
}

/** In a /tmp of its own, and without a runtime directory. */
async function inTmp(script: string): Promise<CommandResult> {
  const all = `mount -t tmpfs -o mode=1777 lab /tmp && unset XDG_RUNTIME_DIR; ${script}`;
  return run("unshare", ["--mount", "sh", "-c", all]);
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}
