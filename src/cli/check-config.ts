import { resolve } from "node:path";
import { type ConfigError, formatConfigError, wholeFileError } from "../core/config/document/config-error.ts";
import type { EffectiveValue } from "../core/config/document/effective.ts";
import type { Difference } from "../core/config/schema/unlike-nebula.ts";
import { hasSystemDevice, type LiveSettings, type Settings } from "../core/config/settings.ts";
import { overlapText } from "../core/operator/lan-overlap-text.ts";
import { readClock } from "../runtime/clock.ts";
import { checkConfig } from "../runtime/config/config-file.ts";
import { verdictOn } from "../runtime/config/refusable.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";
import { renewalWarnings } from "../runtime/renewal/renewal-warnings.ts";
import { surroundingsByNode } from "../runtime/underlay/interfaces.ts";
import { lanOverlaps } from "../runtime/underlay/lan-overlap.ts";
import { pieceLine, piecesOf, type RolePiece } from "./gateway-role.ts";

/** What `lacis check` has found: lines for people, and the same as data. */
export interface CheckResult {
  readonly ok: boolean;
  readonly text: readonly { readonly line: string; readonly wrong: boolean }[];
  readonly report: {
    readonly ok: boolean;
    readonly errors: readonly FindingReport[];
    readonly warnings: readonly FindingReport[];
    readonly files: readonly string[];
    readonly effective?: readonly EffectiveValue[];
    readonly differences?: readonly DifferenceReport[];
    /** What there is of the pieces that reach networks behind this host or others. */
    readonly pieces: readonly RolePiece[];
  };
}

/** What to say besides errors and warnings. */
export interface CheckOptions {
  /** Every key in force. */
  readonly effective?: boolean;
  /** What will be different on a host that runs Nebula with this configuration. */
  readonly fromNebula?: boolean;
}

interface DifferenceReport extends Omit<FindingReport, "code"> {
  readonly kind: Difference["kind"];
}

export interface FindingReport {
  readonly code: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** Full path of the key, empty when it is about a file. */
  readonly path: string;
  readonly text: string;
}

/** Checks a configuration as `lacis run` would. */
export function check(path: string, { effective, fromNebula }: CheckOptions = {}): CheckResult {
  const found = checkConfig(path, { suite: nodeSuite, wall: readClock().wall });
  const ok = found.errors.length === 0;
  const settings = found.config?.settings;
  const warnings = [
    ...found.warnings,
    ...(settings ? [...overlapWarnings(settings), ...endOf(settings.live, path)] : []),
  ];
  const values = effective ? found.effective : [];
  const differences = fromNebula ? found.differences : [];
  const pieces = found.config ? piecesOf(found.config.settings.live, thisPlatform().forwarding) : [];
  return {
    ok,
    text: [
      ...values.map((value) => ({ line: effectiveLine(value), wrong: false })),
      ...(wholeFileError(found.errors) ? [] : found.errors).map((error) => ({
        line: formatConfigError(error),
        wrong: true,
      })),
      ...warnings.map((warning) => ({ line: `warning: ${formatConfigError(warning)}`, wrong: true })),
      ...differences.map((difference) => ({ line: differenceLine(difference), wrong: false })),
      ...pieces.map((piece) => ({ line: pieceLine(piece), wrong: piece.state === "missing" })),
      verdict(path, found.errors, warnings.length),
      ...(fromNebula && ok ? [{ line: swapVerdict(differences), wrong: false }] : []),
    ],
    report: {
      ok,
      errors: found.errors.map(findingReport),
      warnings: warnings.map(findingReport),
      files: found.files,
      pieces,
      ...(effective && { effective: values }),
      ...(fromNebula && { differences: differences.map(differenceReport) }),
    },
  };
}

/** What this machine says against the overlay's network; another one may say something else. */
function overlapWarnings({ boot, live }: Settings): readonly ConfigError[] {
  const { networks } = live.identity.credential;
  return lanOverlaps(surroundingsByNode(), networks, hasSystemDevice(boot.tun)).map((overlap) => {
    const { text: what, todo } = overlapText(overlap);
    return { code: "CONFIG_CONFLICT", place: undefined, path: "pki.cert", what, todo };
  });
}

/** Whether the certificate will be replaced in time, and who has to act where it will not. */
function endOf(live: LiveSettings, path: string): readonly ConfigError[] {
  return renewalWarnings(live, resolve(path), readClock().wall).map((warning) => ({
    code: "CONFIG_IDENTITY",
    place: undefined,
    ...warning,
  }));
}

function verdict(path: string, errors: readonly ConfigError[], warnings: number): { line: string; wrong: boolean } {
  const doubts = warnings === 0 ? "" : `, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  if (errors.length === 0) return { line: `${path}: good${doubts}`, wrong: false };
  return { line: verdictOn(path, errors, doubts), wrong: true };
}

const KINDS: Readonly<Record<Difference["kind"], string>> = {
  different: "different here",
  stricter: "stricter here",
  ours: "only here",
  refused: "refused here",
};

function differenceLine({ path, kind, says, place }: Difference): string {
  const where = place ? `${place.file}:${place.line}:${place.column}: ` : "";
  return `${where}${path === "" ? "" : `${path}: `}${KINDS[kind]} - ${says}`;
}

function swapVerdict(differences: readonly Difference[]): string {
  const count = differences.length === 1 ? "one difference" : `${differences.length} differences`;
  const found = differences.length === 0 ? "nothing will be different on this host" : `${count} on this host`;
  return `from Nebula: ${found} - to swap, let the service start lacis with the same options; to go back, let it start nebula again`;
}

function differenceReport({ path, kind, says: text, place }: Difference): DifferenceReport {
  return { kind, file: place?.file ?? null, line: place?.line ?? null, column: place?.column ?? null, path, text };
}

function effectiveLine({ path, value, origin }: EffectiveValue): string {
  const from = origin ? `${origin.file}:${origin.line}` : "default";
  return `${path}: ${JSON.stringify(value)}  # ${from}`;
}

/** As JSON has it. */
export function findingReport(finding: ConfigError): FindingReport {
  const { code, place, path, what, why, todo } = finding;
  const text = [what, why, todo].filter((part) => part !== undefined).join(" - ");
  return { code, file: place?.file ?? null, line: place?.line ?? null, column: place?.column ?? null, path, text };
}
