import { existsSync, readFileSync } from "node:fs";
import type { Certificate } from "../core/cert/certificate.ts";
import { parseCertificates } from "../core/cert/decode.ts";
import { type HostKeyPair, readHostKey } from "../core/cert/host-key.ts";
import { type EnrolmentFile, parseEnrolment } from "../core/enrolment/enrolment-file.ts";
import type { EnrolmentToken } from "../core/enrolment/token.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { WRITTEN_BY_US } from "./host-config.ts";
import type { HostFiles } from "./host-files.ts";

/** The host that this machine is already. */
export interface HostHere {
  /** Undefined where its file is missing or is none. */
  readonly certificate: Certificate | undefined;
  /** Undefined where its file is missing or is none. */
  readonly key: HostKeyPair | undefined;
  readonly config: string;
  /** Undefined where nobody renews it. */
  readonly enrolment: EnrolmentFile | undefined;
  /** Whether lacis init or lacis join has set it up. */
  readonly isOurs: boolean;
}

/** Undefined while there is no configuration: then it is none. */
export function hostIn(files: HostFiles): HostHere | undefined {
  if (!existsSync(files.config)) return undefined;
  const certificates = parseCertificates(textOf(files.certificate), nodeSuite);
  const enrolment = parseEnrolment(textOf(files.enrolment));
  const config = textOf(files.config);
  return {
    key: readHostKey(nodeSuite, textOf(files.key)),
    config,
    certificate: certificates.ok ? certificates.value[0] : undefined,
    enrolment: enrolment.ok ? enrolment.value : undefined,
    isOurs: enrolment.ok || config.includes(WRITTEN_BY_US),
  };
}

/** Refuses a token for another network than the one that this machine is in, and for another host. */
export function refuseOtherHost({ certificate, enrolment }: HostHere, token: EnrolmentToken, files: HostFiles): void {
  const sameNetwork = enrolment?.pin === token.serviceKey;
  const sameHost = token.host === "" || certificate?.name === token.host;
  if (sameNetwork && sameHost) return;
  const name = certificate ? ` as ${certificate.name}` : "";
  throw new OperatorError("host-already", {
    what: `cannot join ${token.network}`,
    why: enrolment
      ? `this machine is in the network ${enrolment.network} already${name}`
      : `there is a configuration already: ${files.config}`,
    todo: enrolment
      ? "lacis leave first, or give another folder for another network with --dir"
      : "move it away, or give another folder with --dir",
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
