import { formatDuration } from "../../core/base/duration.ts";
import type { WallTime } from "../../core/base/time.ts";
import type { Certificate } from "../../core/cert/certificate.ts";
import { endingOf, renewalDueAt } from "../../core/cert/lifetime.ts";
import type { LiveSettings } from "../../core/config/settings.ts";
import { firstHostCommand } from "./first-host.ts";
import { RenewalFiles } from "./renewal-files.ts";

/** Something about the end of this host's certificate, and what whoever has to act does. */
export interface RenewalWarning {
  readonly path: "pki.enrolment" | "pki.cert";
  readonly what: string;
  readonly why?: string;
  readonly todo: string;
}

/** What can be said of renewal by files and clock alone: nobody is asked. `config`: the host's file or folder. */
export function renewalWarnings(live: LiveSettings, config: string, wall: WallTime): readonly RenewalWarning[] {
  return [...fileWarnings(live, config), ...endWarnings(live, wall / 1_000_000_000n)];
}

function* fileWarnings(live: LiveSettings, config: string): Iterable<RenewalWarning> {
  const path = "pki.enrolment";
  const onFirst = firstHostCommand(live, config);
  if (!live.renewal) {
    if (onFirst !== undefined) yield { path, ...notRenewed(onFirst) };
    return;
  }
  const files = RenewalFiles.open(live.renewal);
  const kept = files.ok ? files.value.read() : files;
  if (kept.ok) return;
  const { why, todo, isLost } = kept.reason;
  yield { path, what: "this host could not renew itself", why, todo: (isLost && onFirst) || todo };
}

function* endWarnings({ identity, renewal }: LiveSettings, now: bigint): Iterable<RenewalWarning> {
  const path = "pki.cert";
  for (const certificate of Object.values(identity.credential.certificates)) {
    if (!certificate) continue;
    const ending = endingOf(certificate, now);
    // What has ended is an error, and is said as one.
    if (ending === "over") continue;
    const left = formatDuration(certificate.notAfter - now);
    if (renewal && isLate(certificate, now)) {
      const what = `this host's certificate was to be renewed by itself and was not; it expires in ${left}`;
      yield { path, what, todo: "start the host, or see in lacis status why it is not renewed" };
    } else if (!renewal && ending !== "no") {
      const what = `this host's certificate expires in ${left}, and does not renew itself`;
      yield { path, what, todo: "whoever holds the authority's key: lacis-cert resign; then replace pki.cert" };
    }
  }
}

/** An hour or a hundredth of a life after it was due, a service that is there has answered. */
function isLate(certificate: Certificate, now: bigint): boolean {
  const { notBefore, notAfter } = certificate;
  return now > renewalDueAt(certificate) + (notAfter - notBefore) / 100n;
}

/** What a first host hears that was set up before first hosts were renewed. */
export function notRenewed(command: string): { readonly what: string; readonly todo: string } {
  const what =
    "this host founded the network before first hosts were renewed: its certificate does not renew itself, and no change of the authority takes it along";
  return { what, todo: `run once: ${command}` };
}
