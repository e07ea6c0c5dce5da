import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { generateHostKey, type HostKeyPair, readHostKey } from "../core/cert/host-key.ts";
import type { Curve } from "../core/crypto/suite.ts";
import { replaceFile, syncDirectory } from "../runtime/files/atomic-file.ts";
import { nodeSuite, osEntropy } from "../runtime/node-crypto.ts";
import type { FileOwner } from "../runtime/platform/platform.ts";
import { type HostFiles, unwritable } from "./host-files.ts";

/** What a host's files are to hold. */
export interface HostContent {
  readonly authorities: string;
  readonly certificate: string;
  readonly config: string;
  /** Undefined: its certificate is renewed by hand. */
  readonly enrolment?: string;
}

/**
 * A host on its way in. Everything is made in a folder of its own beside where it is to be, the key first; when all of it is there and good, a mark says
 * so, and it is moved, the configuration last. So whoever is killed at any moment and runs the same again goes on with the same key, and where the mark
 * is set without asking anybody; and a configuration never stands without what it names.
 */
export class Staging {
  readonly #files: HostFiles;
  readonly key: HostKeyPair;

  private constructor(files: HostFiles, key: HostKeyPair) {
    this.#files = files;
    this.key = key;
  }

  /** Goes on with what was begun for the same purpose, or begins anew; with a key of its own, or that of the host that is here. */
  static open(files: HostFiles, purpose: string, curve: Curve, own?: HostKeyPair): Staging {
    return attempt(files.staging, () => {
      const begun = Staging.begunFor(files, purpose);
      if (begun?.key.curve === curve || begun?.isComplete) return begun;
      rmSync(files.staging, { recursive: true, force: true });
      mkdirSync(staged(files, files.identity), { recursive: true, mode: 0o700 });
      const key = own ?? generateHostKey(nodeSuite, curve, osEntropy);
      replaceFile({ file: staged(files, files.key), content: key.privateKeyPem });
      replaceFile({ file: join(files.staging, PURPOSE), content: purpose });
      return new Staging(files, key);
    });
  }

  /** What was begun for this purpose, if it is worth anything. */
  static begunFor(files: HostFiles, purpose: string): Staging | undefined {
    const read = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, "utf8") : undefined);
    if (read(join(files.staging, PURPOSE)) !== purpose) return undefined;
    // While the files are moved, the key may be in its place already.
    const pem = read(staged(files, files.key)) ?? read(files.key);
    const key = pem === undefined ? undefined : readHostKey(nodeSuite, pem);
    return key && new Staging(files, key);
  }

  /** Whether all that a host needs is there. */
  get isComplete(): boolean {
    return existsSync(join(this.#files.staging, COMPLETE));
  }

  /** Writes what goes with the key; `check` looks at it where it lies, and throws where it is not to be used. */
  complete(content: HostContent, check: (config: string) => void): void {
    const { staging, authorities, certificate, config, enrolment } = this.#files;
    const inside = (file: string): string => staged(this.#files, file);
    attempt(staging, () => {
      replaceFile({ file: inside(authorities), content: content.authorities });
      replaceFile({ file: inside(certificate), content: content.certificate });
      if (content.enrolment !== undefined) replaceFile({ file: inside(enrolment), content: content.enrolment });
      replaceFile({ file: inside(config), content: content.config });
    });
    check(inside(config));
    attempt(staging, () => replaceFile({ file: join(staging, COMPLETE), content: "" }));
  }

  /** Moves everything to its place and gives it to whoever is to run the host. */
  place(owner: FileOwner | undefined): void {
    const { folder, identity, authorities, certificate, key, config, enrolment } = this.#files;
    attempt(folder, () => {
      mkdirSync(identity, { recursive: true, mode: 0o700 });
      // Whoever renews the certificate makes new files beside the old ones.
      if (owner) chownSync(identity, owner.uid, owner.gid);
      for (const file of [authorities, key, certificate, enrolment, config]) {
        const from = staged(this.#files, file);
        if (!existsSync(from)) continue;
        // It reads its configuration and does not write it.
        if (owner) chownSync(from, file === config ? 0 : owner.uid, owner.gid);
        if (owner && file === config) chmodSync(from, 0o640);
        renameSync(from, file);
        syncDirectory(dirname(file));
      }
      Staging.forget(this.#files);
    });
  }

  /** Forgets what was begun and not moved. Where a configuration stands, everything was. */
  static forget({ staging }: HostFiles): void {
    attempt(staging, () => rmSync(staging, { recursive: true, force: true }));
  }
}

/** Where a file is until it is moved: as it will lie, in another folder. */
function staged({ folder, staging }: HostFiles, file: string): string {
  return join(staging, relative(folder, file));
}

const PURPOSE = "for";
const COMPLETE = "complete";

function attempt<Value>(folder: string, step: () => Value): Value {
  try {
    return step();
  } catch (error) {
    throw unwritable(folder, error);
  }
}
