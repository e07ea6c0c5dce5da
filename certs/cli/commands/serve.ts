import { Command } from "commander";
import { printableJson } from "../../../src/core/base/printable.ts";
import type { NetworkPlan } from "../../../src/core/enrolment/messages.ts";
import { codeOf } from "../../../src/runtime/files/atomic-file.ts";
import type { Authority } from "../../authority.ts";
import type { ApiLog } from "../../enrolment/http/api.ts";
import type { ListenPlace } from "../../enrolment/http/server.ts";
import type { SignInSettings } from "../../enrolment/sign-in/settings.ts";
import type { Database } from "../../enrolment/storage/database.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { Failure, usage } from "../failure.ts";
import { readText } from "../files.ts";
import { now } from "../now.ts";
import { exists, openIdentity, type StoreFlags, signInFile, withDatabase, withStore } from "../service-files.ts";
import { orFail } from "../values.ts";

interface ServeFlags extends CaFileFlags, StoreFlags {
  readonly serviceKey?: string;
  readonly listen?: string;
  readonly offline?: boolean;
  readonly signIn?: string;
  readonly publish?: string;
}

export function serveCommand(): Command {
  return withStore(new Command("serve"))
    .description(
      "Run the enrolment service: lets hosts in that were invited, renews them and lets them go. Any number may run on one PostgreSQL storage, with copies of the same keys. It needs no root.",
    )
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--offline", "without the authority's key: hosts wait until somebody who has it runs approve")
    .option(
      "--service-key <path>",
      "the key that the service shows; without it enrolment.key beside the authority's certificate",
    )
    .option(
      "--sign-in <path>",
      "file that says who may bring hosts in by signing in to an identity provider; without it sign-in.json beside the authority's certificate, if there is one",
    )
    .option(
      "--publish <host>",
      "admin socket (….sock) or configuration of the host that gives bulletins to the network; without it the lacis that runs here",
    )
    .option("--listen <place>", "port, or address:port; without it the network's port number on all addresses")
    .action(serve);
}

/** For whoever starts it where nobody can be asked. */
const OFFLINE = "serve -offline: hosts then wait for lacis-cert approve";

/** What an instance was started with, and reads again on SIGHUP. */
interface InstanceFiles {
  readonly identity: Awaited<ReturnType<typeof openIdentity>>;
  readonly signIn: SignInSettings | undefined;
  /** Undefined: it does not sign. */
  readonly authority: Authority | undefined;
  readonly network: NetworkPlan;
}

async function serve(flags: ServeFlags): Promise<void> {
  // One that comes between two instances must not end the process.
  process.on("SIGHUP", () => {});
  await withDatabase(flags, async (database) => {
    let files: InstanceFiles | undefined = await readFiles(flags, database);
    while (files) files = await serveWith(flags, database, files);
  });
}

async function readFiles(flags: ServeFlags, database: Database): Promise<InstanceFiles> {
  const identity = await openIdentity(flags);
  const signIn = await signInSettingsOf(flags);
  const authority = flags.offline ? undefined : await openCa(flags, now().wall, OFFLINE);
  const { checkInstance } = await import("../../enrolment/setup.ts");
  const instance = { authority: authority?.certificate.fingerprint, serviceKey: identity.serviceKey };
  const { network } = await checkInstance(database, instance);
  return { identity, signIn, authority, network };
}

/** Serves until somebody ends it, or hands it other files. */
async function serveWith(
  flags: ServeFlags,
  database: Database,
  { identity, signIn, authority, network }: InstanceFiles,
): Promise<InstanceFiles | undefined> {
  const listen = flags.listen === undefined ? undefined : parseListen(flags.listen);
  const { Api } = await import("../../enrolment/http/api.ts");
  const { hostRoutes } = await import("../../enrolment/http/host-routes.ts");
  const { operatorRoutes } = await import("../../enrolment/http/operator-routes.ts");
  const { HttpsServer } = await import("../../enrolment/http/server.ts");
  const { Registrar } = await import("../../enrolment/registrar.ts");
  const { Desk } = await import("../../enrolment/desk.ts");
  const { Announcements } = await import("../../enrolment/announcements.ts");
  const { localPublisher } = await import("../publisher.ts");
  const registrar = new Registrar(database, authority);
  const desk = new Desk(database, registrar);
  const announcements = new Announcements(database, registrar, desk, localPublisher(flags.publish));
  const routes = [...hostRoutes(registrar), ...operatorRoutes(desk, announcements, database)];
  if (signIn) {
    const { signInRoutes } = await import("../../enrolment/http/sign-in-routes.ts");
    const { OpenIdProvider } = await import("../../enrolment/sign-in/provider.ts");
    const { SignIn } = await import("../../enrolment/sign-in/sign-in.ts");
    const provider = new OpenIdProvider(signIn);
    routes.push(...signInRoutes(new SignIn(provider, signIn, desk, () => registrar.facts(database))));
  }
  const log = jsonLog();
  const server = new HttpsServer(new Api(routes, database, log), identity);
  const place = listen ?? { address: undefined, port: network.port };
  const port = await listening(server.listen(place), place);
  const signs = authority ? "signs" : "does not sign: hosts wait (lacis-cert pending)";
  process.stdout.write(`serving ${network.name} on port ${port}; ${signs}\n`);
  const next = await asked(() => readFiles(flags, database), log);
  await server.close();
  return next;
}

/** Resolves when the instance is to end, or (SIGHUP) to go on with files that are good; with others it goes on as it is. */
async function asked(read: () => Promise<InstanceFiles>, log: ApiLog): Promise<InstanceFiles | undefined> {
  return new Promise((resolve) => {
    const end = (): void => settle(undefined);
    const reload = (): void => {
      read().then(settle, (error: unknown) => log.trouble("reload", error));
    };
    process.on("SIGTERM", end).on("SIGINT", end).on("SIGHUP", reload);
    function settle(files: InstanceFiles | undefined): void {
      process.off("SIGTERM", end).off("SIGINT", end).off("SIGHUP", reload);
      resolve(files);
    }
  });
}

async function signInSettingsOf(flags: ServeFlags): Promise<SignInSettings | undefined> {
  const file = flags.signIn ?? signInFile(flags);
  if (flags.signIn === undefined && !exists(file)) return undefined;
  const { readSignInSettings } = await import("../../enrolment/sign-in/settings.ts");
  return orFail(readSignInSettings(readText(file), file));
}

async function listening(port: Promise<number>, { address, port: wanted }: ListenPlace): Promise<number> {
  try {
    return await port;
  } catch (error) {
    const what = address === undefined ? `port ${wanted}` : `${address} port ${wanted}`;
    const why =
      codeOf(error) === "EADDRINUSE" ? "another program listens there" : `cannot listen there (${codeOf(error)})`;
    throw new Failure({ what, why, todo: "give another with -listen" });
  }
}

/** One JSON object a line, on standard error: what was asked from where, and how it ended. */
function jsonLog(): ApiLog {
  const write = (line: object): void => {
    process.stderr.write(`${printableJson({ at: new Date().toISOString(), ...line })}\n`);
  };
  return {
    handled: (request) => write({ level: request.status >= 500 ? "error" : "info", ...request }),
    // The stack names places in this program, and no values of requests.
    trouble: (route, error) =>
      write({ level: "error", route, trouble: error instanceof Error ? error.message : "unknown" }),
  };
}

function parseListen(text: string): ListenPlace {
  const [, bracketed, plain, digits = ""] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535)
    throw usage("-listen", `${JSON.stringify(text)} is no port`, "write 4242 or 192.0.2.1:4242");
  return { address: bracketed ?? plain, port };
}
