import type { Certificate } from "../core/cert/certificate.ts";
import { debugGroupOf } from "../core/cert/debug-group.ts";
import { formatEnrolment } from "../core/enrolment/enrolment-file.ts";
import type { IssuedAnswer } from "../core/enrolment/messages.ts";
import { type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { checkAnswer, checkConfigOf } from "./check-answer.ts";
import { deviceFor } from "./device-name.ts";
import { hostConfig } from "./host-config.ts";
import { refuseOverlap, refuseUnusable } from "./local-checks.ts";
import type { Staging } from "./staging.ts";

/** A certificate as it came, and from whom. */
export interface Received {
  readonly answer: IssuedAnswer;
  /** The authority that must be among those to trust. */
  readonly authority: string;
  /** The service's key, and where it was reached. */
  readonly serviceKey: string;
  readonly endpoints: readonly string[];
}

export interface Surroundings {
  /** Networks that this machine has a way to. */
  readonly here: readonly Prefix[];
  /** Unix seconds. */
  readonly now: bigint;
  /** What somebody has written there since: it stays. */
  readonly config: string | undefined;
  /** Whether it is to have no device. */
  readonly inUserSpace?: boolean | undefined;
}

/** Makes a host's files of what came for it, once all of it was checked; they are then ready to be moved. */
export function settle(staging: Staging, received: Received, { here, now, config, inUserSpace }: Surroundings): void {
  const { network, authorities } = received.answer;
  const wanted = network.networks.flatMap((text) => parsePrefix(text) ?? []);
  refuseUnusable(wanted);
  refuseOverlap(
    wanted,
    here,
    "leave that network, or have the mesh moved to another one; the same token works again within ten minutes of its first use",
  );
  const device = inUserSpace ? undefined : deviceFor(network.name);
  // Nobody renews the certificate of a host that was let in to debug something.
  const configOf = (certificates: readonly Certificate[]): string =>
    hostConfig({ network, device, isGuest: certificates.some(({ groups }) => debugGroupOf(groups) !== undefined) });
  complete(staging, received, { authorities, config: config === undefined ? configOf : () => config, now });
}

/** Whom the host is to trust (PEM), its configuration, and when that is (Unix seconds). */
interface HostWanted {
  readonly authorities: string;
  readonly config: (certificates: readonly Certificate[]) => string;
  readonly now: bigint;
}

/** Makes a host's files of what came for it, wherever it is to be. */
export function complete(staging: Staging, received: Received, { authorities, config, now }: HostWanted): void {
  const { answer, authority } = received;
  const { network, certificates, renewal } = answer;
  const checked = checkAnswer({ ...answer, authorities }, { authority, publicKey: staging.key.publicKey, now });
  const enrolment = formatEnrolment({
    network: network.name,
    endpoints: network.service.length > 0 ? network.service : received.endpoints,
    pin: received.serviceKey,
    secret: renewal,
  });
  const content = { authorities, certificate: certificates, enrolment, config: config(checked) };
  staging.complete(content, (file) => checkConfigOf(file, now));
}
