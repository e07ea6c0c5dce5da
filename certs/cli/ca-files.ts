import type { WallTime } from "../../src/core/base/time.ts";
import type { Authority } from "../authority.ts";
import { closeToOthers, readText } from "./files.ts";
import { orFail } from "./values.ts";

/** The flags that name an authority's files. */
export interface CaFileFlags {
  readonly caCrt: string;
  readonly caKey: string;
  readonly passphraseFile?: string;
}

/** Opens the authority that the flags name; asks for its passphrase if its key has one. `otherwise`: what can be done where nobody has it. */
export async function openCa(flags: CaFileFlags, now: WallTime, otherwise?: string): Promise<Authority> {
  const { decryptCaKey, isEncryptedCaKey, openAuthority, checkAuthorityFile } = await import("../index.ts");
  const { caCrt: certificateFile, caKey: keyFile } = flags;
  const certificatePem = readText(certificateFile);
  let keyPem = readText(keyFile);
  // Before the passphrase: nobody should type it in for a CA that cannot sign.
  orFail(checkAuthorityFile(certificatePem, certificateFile, now));
  if (isEncryptedCaKey(keyPem)) {
    const { givenPassphrase } = await import("./passphrase.ts");
    using passphrase = await givenPassphrase(keyFile, flags.passphraseFile, otherwise);
    keyPem = orFail(await decryptCaKey(keyPem, passphrase.expose(), keyFile));
  }
  const authority = orFail(openAuthority({ certificatePem, certificateFile, keyPem, keyFile }, now));
  closeToOthers(keyFile);
  return authority;
}
