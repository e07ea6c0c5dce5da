import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseCertificates } from "../core/cert/decode.ts";
import { formatPrefix } from "../core/netip/prefix.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { FileOwner } from "../runtime/platform/platform.ts";
import { enrolHere } from "./enrol-here.ts";
import { withEnrolment } from "./host-config.ts";
import type { HostFiles } from "./host-files.ts";
import { type HostHere, hostIn } from "./host-here.ts";
import { complete } from "./settle.ts";
import { Staging } from "./staging.ts";

export interface ComeAlongOptions {
  readonly passphraseFile: string | undefined;
  readonly owner: FileOwner | undefined;
  /** Unix seconds. */
  readonly now: bigint;
}

const PURPOSE = "come-along";

/**
 * Makes the first host of a network one that is renewed, where an earlier version has founded it: its certificate lived as long as the authority. Key, name, addresses and
 * what somebody has written into its configuration stay. False where there is nothing to do.
 */
export async function comeAlong(files: HostFiles, { passphraseFile, owner, now }: ComeAlongOptions): Promise<boolean> {
  const begun = Staging.begunFor(files, PURPOSE);
  if (!begun?.isComplete) {
    const here = hostIn(files);
    if (!here || here.enrolment) return false;
    await prepare(files, here, passphraseFile, now);
  }
  Staging.begunFor(files, PURPOSE)?.place(owner);
  return true;
}

async function prepare(
  files: HostFiles,
  { config, key }: HostHere,
  passphraseFile: string | undefined,
  now: bigint,
): Promise<void> {
  const authorities = textOf(files.authorities);
  const parsed = parseCertificates(textOf(files.certificate), nodeSuite);
  const [certificate, ...more] = parsed.ok ? parsed.value : [];
  const wanted = withEnrolment(config);
  if (!certificate || !key) throw stays(`${dirname(files.key)} has no certificate and key that can be read`, BY_HAND);
  if (more.length > 0 || certificate.unsafeNetworks.length > 0) {
    throw stays("it has several certificates or routes for networks, and the service signs neither", BY_HAND);
  }
  if (wanted === undefined) {
    const todo = `write "enrolment: pki/enrolment.json" behind "key: pki/host.key" into pki there, then run this again`;
    throw stays(`${files.config} was changed where that is to be said`, todo);
  }
  const staging = Staging.open(files, PURPOSE, key.curve, key);
  const { name, networks, groups } = certificate;
  const bundle = await enrolHere(files, { name, networks: networks.map(formatPrefix), groups, key, passphraseFile });
  complete(staging, bundle, { authorities, config: () => wanted, now });
}

const BY_HAND = "renew it by hand: lacis-cert resign";

function stays(why: string, todo: string): OperatorError {
  return new OperatorError("not-enrolled", { what: "this host's certificate does not renew itself", why, todo });
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
