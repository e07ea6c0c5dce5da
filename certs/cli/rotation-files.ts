import fs from "node:fs";
import path from "node:path";
import { equalBytes } from "../../src/core/base/bytes.ts";
import type { Certificate } from "../../src/core/cert/certificate.ts";
import { readCertificates } from "../certificate-file.ts";
import type { CaFileFlags } from "./ca-files.ts";
import { Failure } from "./failure.ts";
import { readText, replaceText, writeFiles } from "./files.ts";
import { orFail } from "./values.ts";

/** How far the change of an authority has come. What lies on disk says so, and nothing else: whoever is killed runs the same line again. */
export type Stage =
  /** One authority. */
  | "settled"
  /** The next one is there and trusted; the first signs. */
  | "trusting"
  /** The next one signs; the first is trusted. */
  | "signing";

/** The files of a change, beside those of the authority: "ca.next.key", "ca.next.crt", "ca.old.key". */
export class RotationFiles {
  readonly caCrt: string;
  readonly caKey: string;
  readonly nextCrt: string;
  readonly nextKey: string;
  readonly oldKey: string;

  constructor({ caCrt, caKey }: Pick<CaFileFlags, "caCrt" | "caKey">) {
    this.caCrt = caCrt;
    this.caKey = caKey;
    this.nextCrt = beside(caCrt, "next");
    this.nextKey = beside(caKey, "next");
    this.oldKey = beside(caKey, "old");
  }

  get stage(): Stage {
    if (fs.existsSync(this.nextKey)) return "trusting";
    return fs.existsSync(this.oldKey) ? "signing" : "settled";
  }

  /** Those that hosts trust, as the file has them. */
  authorities(): readonly Certificate[] {
    return orFail(readCertificates(readText(this.caCrt), this.caCrt)).filter(({ isCa }) => isCa);
  }

  next(): Certificate {
    const [certificate] = orFail(readCertificates(readText(this.nextCrt), this.nextCrt));
    if (!certificate) throw new Failure({ what: this.nextCrt, why: "it is empty", todo: "restore it from a backup" });
    return certificate;
  }

  /** The key last: it is what says that there is a next one. */
  begin(certificatePem: string, keyPem: string): void {
    fs.rmSync(this.nextCrt, { force: true });
    writeFiles({ file: this.nextCrt, content: certificatePem }, { file: this.nextKey, content: keyPem });
  }

  /** What hosts are to trust from now on. */
  trust(pem: string): void {
    replaceText(this.caCrt, pem);
  }

  /** The next key signs from here on. The one before is kept under another name first. */
  exchangeKeys(): void {
    if (!fs.existsSync(this.oldKey)) writeFiles({ file: this.oldKey, content: readText(this.caKey) });
    fs.renameSync(this.nextKey, this.caKey);
    fs.rmSync(this.nextCrt, { force: true });
  }

  /** The first key is of no use to anybody, and is left to its owner to destroy. */
  retire(day: string): string {
    const retired = beside(this.caKey, `retired-${day}`);
    fs.renameSync(this.oldKey, retired);
    return retired;
  }
}

/** Of several authorities, the one that a key belongs to. */
export function ownerOf(authorities: readonly Certificate[], publicKey: Uint8Array): Certificate | undefined {
  return authorities.find((ca) => equalBytes(ca.publicKey, publicKey));
}

function beside(file: string, word: string): string {
  const extension = path.extname(file);
  return path.join(path.dirname(file), `${path.basename(file, extension)}.${word}${extension}`);
}
