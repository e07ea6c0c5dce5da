import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { ConsoleService } from "../../../src/runtime/console/console-service.ts";
import { settled } from "../fixtures/settled.ts";
import { certificateFor, Identity, openSshKey } from "../runtime/console/ssh-identities.ts";
import { freePort } from "../runtime/mesh-files.ts";
import type { Subject } from "./subject.ts";

/** Ports of this machine, before and after a change. */
export const CONSOLE_PORTS: { readonly before: number; readonly after: number } = {
  before: await freePort(),
  after: await freePort(),
};
export const CONSOLE_KEY: { readonly private: string; readonly public: string } = openSshKey();
export const AUTHORITY: Identity = new Identity();
const SUBJECT = new Identity();

const consoles = new WeakMap<Subject, ConsoleService>();

/** The console of a subject, made as the daemon makes it. */
export async function startConsole(subject: Subject): Promise<void> {
  const console = new ConsoleService(
    subject.shell,
    {
      details: () => subject.host.details(),
      status: () => subject.host.status(),
      order: () => {},
      reload: () => {},
      logging: () => subject.log.settings,
      changeLogging: () => {},
      device: () => undefined,
      version: "0",
    },
    () => {},
  );
  consoles.set(subject, console);
  subject.services.push(console);
  await console.start();
}

/** Where the console is, with which key, and who gets in. */
export async function consoleSeen(subject: Subject): Promise<unknown> {
  const seen: unknown[] = [];
  // The server of a reload listens a moment later.
  await settled(50);
  for (const port of Object.values(CONSOLE_PORTS))
    for (const user of ["me", "you"]) seen.push([port, user, await visit(port, user, "version")]);
  await stop(subject);
  return seen;
}

/** Whether a certificate of the authority lets somebody in. */
export async function certificateSeen(subject: Subject): Promise<boolean> {
  const shown = { algorithm: "ssh-ed25519-cert-v01@openssh.com", blob: certificateFor(SUBJECT, AUTHORITY) };
  const key = consoles.get(subject)?.keyFor(shown, { user: "me", address: "192.0.2.1", now: 1n });
  await stop(subject);
  return key !== undefined;
}

/** A folder for profiles. */
export const SANDBOX: string = mkdtempSync(join(tmpdir(), "lacis-sandbox-"));

export async function sandboxSeen(subject: Subject): Promise<boolean> {
  await visit(CONSOLE_PORTS.before, "me", "save-heap-profile seen");
  await stop(subject);
  const isThere = existsSync(join(SANDBOX, "seen"));
  rmSync(join(SANDBOX, "seen"), { force: true });
  return isThere;
}

async function visit(port: number, username: string, line: string): Promise<string | undefined> {
  const client = new ssh2.Client();
  let shown = "";
  try {
    await new Promise<void>((resolve, reject) => {
      client.on("ready", resolve).on("error", reject);
      const hostVerifier = (key: Buffer): boolean => {
        shown = createHash("sha256").update(key).digest("hex");
        return true;
      };
      client.connect({ host: "127.0.0.1", port, username, privateKey: CONSOLE_KEY.private, hostVerifier });
    });
    await new Promise<void>((resolve, reject) => {
      client.exec(line, (error, channel) => {
        if (error) reject(error);
        else channel.resume().on("close", () => resolve());
      });
    });
    return shown;
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}

/** The next subject listens where this one did. */
async function stop(subject: Subject): Promise<void> {
  for (const service of subject.services.splice(0)) await service.stop?.("asked");
}
