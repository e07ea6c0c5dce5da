import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join as pathOf } from "node:path";
import { Command, Option } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { joinByFile, requestByFile } from "../../enrol/by-file.ts";
import { Children } from "../../enrol/children.ts";
import { type HostFiles, hostFilesIn, readCarried, unwritable } from "../../enrol/host-files.ts";
import { hostIn } from "../../enrol/host-here.ts";
import { join } from "../../enrol/join.ts";
import { leave } from "../../enrol/leave.ts";
import { networksHere, refuseWithoutPrivilege, refuseWithoutTun } from "../../enrol/local-checks.ts";
import { replaceFile } from "../../runtime/files/atomic-file.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import { stateBases, stateEnvironment } from "../../runtime/state/state-directory.ts";
import {
  chooseStart,
  daemonCommand,
  daemonSocket,
  HOST_SERVICE,
  pingLighthouse,
  RELOAD_MS,
  type Start,
  type StartOptions,
  stayInForeground,
  whenRunning,
} from "../host-start.ts";
import { complain, say, sayJson } from "../output.ts";
import { joinedLine } from "../render-joined.ts";
import { waiting } from "../waiting.ts";

interface JoinFlags extends StartOptions {
  readonly name?: string;
  readonly curve?: "25519" | "P256";
  readonly ephemeral?: boolean;
  readonly userspace?: boolean;
  readonly request?: string;
  readonly bundle?: string;
  readonly json?: boolean;
}

/** `lacis join`: makes this machine a host of the network that a token invites to. */
export function joinCommand(): Command {
  return new Command("join")
    .description("Make this machine a host of the network that a token (lacis invite) invites to.")
    .argument("[token]", "what lacis invite has printed; - for standard input")
    .option("--name <name>", "the name of this host, where the token leaves it open; without it: the machine's")
    .option("--dir <dir>", `where its files are to be; without it: ${thisPlatform().places.configBase}`)
    .addOption(
      new Option(
        "--foreground",
        "be the host for as long as this command runs, also where services can be started",
      ).conflicts("start"),
    )
    .option("--no-start", "only write the files")
    .addOption(
      new Option(
        "--ephemeral",
        "be a host for as long as this command runs, then leave, and leave nothing behind",
      ).conflicts("start"),
    )
    .option(
      "--userspace",
      "without a device and without root: lacis nc, lacis forward and lacis socks lead into the mesh",
    )
    .addOption(
      new Option(
        "--curve <curve>",
        "the curve of the network's authority; without it: as the token says, 25519 where it says nothing",
      ).choices(["25519", "P256"]),
    )
    .option(
      "--request <file>",
      "where no way leads to the network: write what this host asks, to be carried to lacis invite --request",
    )
    .option("--bundle <file>", "and join with what has come back")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Checks the token, the clock, the device and the folder before anybody is asked; the host's private key is made here and never
leaves. Whatever goes wrong, and whoever is killed at whatever moment: run the same line again.

Example:  sudo lacis join lacis1-...
          joined home as laptop, 10.77.0.2/24 (certificate until 2027-11-28; no groups) - lighthouse answers in 0.8 ms`,
    )
    .action(joinNetwork);
}

async function joinNetwork(given: string | undefined, flags: JoinFlags): Promise<void> {
  const ways = [given, flags.request, flags.bundle].filter((way) => way !== undefined);
  if (ways.length !== 1) throw usage();
  const isUsers = flags.userspace === true;
  const inForeground = flags.ephemeral || (isUsers && flags.start);
  const start = inForeground ? "foreground" : chooseStart(flags, [HOST_SERVICE]);
  if (!isUsers && (start !== "none" || flags.dir === undefined))
    refuseWithoutPrivilege("cannot join", "lacis join TOKEN");
  if (!isUsers && start !== "none") refuseWithoutTun();
  const usual = isUsers ? usersFolder() : thisPlatform().places.configBase;
  const folder = flags.ephemeral ? passingFolder() : (flags.dir ?? usual);
  // What a host without a device reaches through the overlay, the system reaches as it did before.
  const here = isUsers ? [] : networksHere();
  const files = hostFilesIn(folder);
  // A visitor that is sent away while it still asks leaves nothing either.
  const sentAway = new AbortController();
  const send = (): void => sentAway.abort();
  if (flags.ephemeral) for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, send);
  if (flags.request !== undefined) return ask(files, flags.request, flags);
  try {
    const owner = start === "service" ? thisPlatform().supervisor.ownerOf(HOST_SERVICE) : undefined;
    if (flags.bundle !== undefined) {
      joinByFile(files, readCarried(flags.bundle), { here, now: clock(), owner, inUserSpace: isUsers });
      return await begin(start, files, flags);
    }
    const joined = await join({
      token: given === "-" || given === undefined ? readFileSync(0, "utf8") : given,
      files,
      name: flags.name,
      here,
      inUserSpace: isUsers,
      curve: flags.curve === undefined ? undefined : flags.curve === "P256" ? "P256" : "CURVE25519",
      owner,
      signIn: ({ url, page, code }) => {
        complain(`lacis: sign in at ${url}`);
        complain(`lacis: the page ${page} must show the code ${code}: never confirm another one`);
      },
      waiting: ({ id, why }) => complain(`lacis: waiting - ${why} - there: lacis-cert approve ${id}`),
      now: clock,
      signal: sentAway.signal,
    });
    const socket = daemonSocket(files);
    if (joined === "again" && socket !== undefined) await askDaemon(socket, { verb: "reload" }, RELOAD_MS);
    await begin(start, files, flags);
  } finally {
    if (flags.ephemeral) await vanish(files);
  }
}

/** Writes what this host asks: nobody is asked here. */
function ask(files: HostFiles, request: string, { curve, json }: JoinFlags): void {
  const content = requestByFile(files, curve === "P256" ? "P256" : "CURVE25519");
  try {
    replaceFile({ file: request, content });
  } catch (error) {
    throw unwritable(request, error);
  }
  if (json) sayJson({ schema: ADMIN_SCHEMA, started: false, request });
  else
    say(
      `${request}: carry it to the network's authority - there: lacis invite HOST --request FILE --bundle FILE - then here: lacis join --bundle FILE`,
    );
}

function clock(): bigint {
  return BigInt(Math.floor(Date.now() / 1000));
}

function usage(): OperatorError {
  return new OperatorError(
    "usage",
    {
      what: "cannot tell how to join",
      why: "a token, --request or --bundle is needed, and one of them only",
      todo: "see: lacis join --help",
    },
    ExitCode.usage,
  );
}

/** Starts the host, and says how it is once it has asked a lighthouse. */
async function begin(start: Start, files: HostFiles, flags: JoinFlags): Promise<void> {
  const children = new Children();
  const isRunning = daemonSocket(files) !== undefined;
  if (start === "service") await thisPlatform().supervisor.start(HOST_SERVICE);
  if (start === "foreground" && !isRunning) {
    children.obeySignals();
    children.start("host", daemonCommand(files.config, flags.ephemeral ? files.folder : undefined));
  }
  if (start === "none") {
    if (flags.json) sayJson({ schema: ADMIN_SCHEMA, started: false, config: files.config });
    else say(`joined - start it with: sudo lacis run --config ${files.config}`);
    return;
  }
  try {
    const status = await whenRunning(files, () => children.isWhole);
    const lighthouse = await waiting("asking the lighthouse", pingLighthouse(status));
    if (flags.json)
      sayJson({
        schema: ADMIN_SCHEMA,
        started: true,
        config: files.config,
        host: status.host,
        lighthouse: lighthouse ?? null,
      });
    else say(joinedLine({ ...status, network: hostIn(files)?.enrolment?.network }, lighthouse));
  } catch (error) {
    children.stop();
    await children.end();
    throw error;
  }
  if (start === "foreground" && !isRunning) await stayInForeground(children);
}

/** A folder that is gone with the machine's next start, whatever happens to us. */
function passingFolder(): string {
  const environment = stateEnvironment();
  const [base = thisPlatform().places.systemBase] = stateBases(environment);
  mkdirSync(base, { recursive: true, mode: environment.uid === 0 ? 0o750 : 0o700 });
  return mkdtempSync(pathOf(base, "ephemeral-"));
}

/** Where a host of an ordinary user has its files. */
function usersFolder(): string {
  return pathOf(process.env["XDG_CONFIG_HOME"] || pathOf(homedir(), ".config"), "lacis");
}

async function vanish(files: HostFiles): Promise<void> {
  try {
    const { isTold, why } = await leave(files);
    if (isTold === false)
      complain(`lacis: the network was not told that this host is gone - ${why} - its certificate ends by itself`);
  } catch {
    // It never became a host.
  }
  rmSync(files.folder, { recursive: true, force: true });
  try {
    rmdirSync(dirname(files.folder));
  } catch {
    // Another host of this user is in it.
  }
}
