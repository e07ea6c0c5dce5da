import { accessSync, constants, existsSync, lstatSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fail, ok, type Result } from "../../core/base/result.ts";
import type { RenewalSettings, WrittenPath } from "../../core/config/settings.ts";
import { type EnrolmentFile, formatEnrolment, parseEnrolment } from "../../core/enrolment/enrolment-file.ts";
import { octal, readText, shellQuoted } from "../config/config-sources.ts";
import { modeOpenToOthers } from "../config/key-readers.ts";
import { replaceFile } from "../files/atomic-file.ts";
import { systemCode } from "../operator-error.ts";

/** What keeps a host from renewing its certificate, and what to do about it. */
export interface Hindrance {
  readonly why: string;
  readonly todo: string;
  /** What the host has kept of its enrolment is no more. */
  readonly isLost?: true;
}

/** The files that a renewal reads and replaces: each is the old one or the new one, whenever the power goes. */
export class RenewalFiles {
  readonly #enrolment: string;
  readonly #certificate: string;

  private constructor(enrolment: string, certificate: string) {
    this.#enrolment = enrolment;
    this.#certificate = certificate;
  }

  /** Finds them, or says why nothing could be renewed with them: that is to be known long before it is needed. */
  static open(settings: RenewalSettings): Result<RenewalFiles, Hindrance> {
    const { certificate, key } = settings;
    if (!certificate || !key) {
      const which = certificate ? "pki.key" : "pki.cert";
      const why = `${which} stands in the configuration itself, and only a file can be replaced`;
      return fail({ why, todo: `write it into a file and name that in ${which}` });
    }
    const files = new RenewalFiles(absolute(settings.enrolment), absolute(certificate));
    if (!existsSync(files.#enrolment)) return fail(lost(`there is no ${files.#enrolment}`));
    const hindrance = openKey(absolute(key)) ?? openKey(files.#enrolment) ?? files.#unwritable();
    return hindrance ? fail(hindrance) : ok(files);
  }

  /** What the host has kept of its enrolment. */
  read(): Result<EnrolmentFile, Hindrance> {
    const text = readText(this.#enrolment);
    if (!text.ok) return fail(lost(text.reason.what));
    const parsed = parseEnrolment(text.value);
    return parsed.ok ? parsed : fail(lost(`${this.#enrolment} ${parsed.reason}`));
  }

  /** The certificates that lie on disk now. */
  certificates(): string | undefined {
    const text = readText(this.#certificate);
    return text.ok ? text.value : undefined;
  }

  /**
   * The secret comes first: with it, what the service has just signed can be had again, should the power go before the second file. The key is the
   * same, so that certificate and key fit at every moment. Throws FileError.
   */
  replace(enrolment: EnrolmentFile, certificates: string): void {
    replaceFile({ file: this.#enrolment, content: formatEnrolment(enrolment) });
    replaceFile({ file: this.#certificate, content: certificates });
  }

  #unwritable(): Hindrance | undefined {
    for (const file of [this.#enrolment, this.#certificate]) {
      const why = unwritable(file);
      const user = process.getuid?.();
      if (why !== undefined)
        return {
          why: `${file} cannot be replaced: ${why}`,
          todo: `give it and its folder to the user of this daemon${user === undefined ? "" : ` (chown ${user} ${shellQuoted(dirname(file))} ${shellQuoted(file)})`}; under systemd also ReadWritePaths=`,
        };
    }
    return undefined;
  }
}

/** The secret is nowhere else: only who lets hosts in can give another one. */
function lost(why: string): Hindrance {
  const todo =
    "leave and join again: lacis leave, then lacis join with a new token (whoever runs the network: lacis invite)";
  return { why, todo, isLost: true };
}

/** Replaces the file of `pki.ca`. Throws FileError. */
export function replaceAuthorities({ authorities }: RenewalSettings, pem: string): void {
  if (authorities) replaceFile({ file: absolute(authorities), content: pem });
}

/** Whoever has read a private key or the secret that renews is this host as well. */
function openKey(path: string): Hindrance | undefined {
  const mode = modeOpenToOthers(path);
  if (mode === undefined) return undefined;
  const why = `${path} can be read or written by other users (mode ${octal(mode)}): whoever did has this host's name`;
  return { why, todo: `run: chmod 600 ${shellQuoted(path)}; if somebody may have read it, join again with a new key` };
}

function unwritable(file: string): string | undefined {
  try {
    const found = lstatSync(file);
    const target = found.isSymbolicLink() ? realpathSync(file) : file;
    accessSync(dirname(target), constants.W_OK);
    const { uid } = lstatSync(target);
    const user = process.getuid?.() ?? uid;
    return user === 0 || user === uid ? undefined : `it belongs to user ${uid}, and this daemon runs as ${user}`;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return "there is no such file";
    if (code === "EROFS") return "it lies where nothing can be written";
    return `this daemon may not write into its folder (${code})`;
  }
}

function absolute({ path, writtenIn }: WrittenPath): string {
  return resolve(dirname(writtenIn), path);
}
