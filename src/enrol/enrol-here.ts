import { join } from "node:path";
import type { HostKeyPair } from "../core/cert/host-key.ts";
import { type BundleFile, bundleFile } from "../core/enrolment/bundle.ts";
import { replaceFile } from "../runtime/files/atomic-file.ts";
import { passphraseFlags, runAuthority } from "./authority-tool.ts";
import { read } from "./by-file.ts";
import { type HostFiles, unwritable } from "./host-files.ts";

/** A host on the machine that has the authority. */
interface HostToEnrol {
  readonly name: string;
  /** "10.77.0.1/24". */
  readonly networks: readonly string[];
  readonly groups: readonly string[];
  readonly key: HostKeyPair;
  readonly passphraseFile: string | undefined;
}

/** Has the authority on this machine let a host of this machine in, and gives what came back. */
export async function enrolHere(files: HostFiles, host: HostToEnrol): Promise<BundleFile> {
  const publicKey = join(files.staging, "host.pub");
  try {
    replaceFile({ file: publicKey, content: host.key.publicKeyPem });
  } catch (error) {
    throw unwritable(publicKey, error);
  }
  const printed = await runAuthority(
    files.authority,
    ...["enrol", host.name, "-networks", host.networks.join(","), "-in-pub", publicKey],
    ...(host.groups.length === 0 ? [] : ["-groups", host.groups.join(",")]),
    ...passphraseFlags(host.passphraseFile),
  );
  return read(bundleFile, printed, "what lacis-cert enrol has printed");
}
