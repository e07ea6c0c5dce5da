import { fail, ok, type Result } from "../base/result.ts";
import { formatPrefixes } from "../netip/prefix.ts";
import type { ConfigError } from "./document/config-error.ts";
import type { EffectiveValue, PlainValue } from "./document/effective.ts";
import { specOf } from "./schema/schema.ts";
import type { LiveSettings, Settings } from "./settings.ts";

/** One configuration as far as a reload looks at it. */
export interface Reloadable {
  readonly settings: Settings;
  readonly effective: readonly EffectiveValue[];
  readonly digests: ReadonlyMap<string, string>;
}

/** A key whose value, or the content of the file it names, is another than before. Secrets are not in it. */
export interface KeyChange {
  readonly path: string;
  readonly before: PlainValue;
  readonly after: PlainValue;
}

/** What a reload does. */
export interface ReloadPlan {
  readonly applied: readonly KeyChange[];
  readonly needsRestart: readonly KeyChange[];
  /** What to reload. */
  readonly live: LiveSettings;
}

/**
 * Compares the running configuration with a new one. Refused when this host would become another one: its overlay networks are those of
 * the device and of every tunnel.
 */
export function planReload(running: Reloadable, next: Reloadable): Result<ReloadPlan, ConfigError> {
  const before = running.settings.live.identity.credential;
  const after = next.settings.live.identity.credential;
  if (formatPrefixes(before.networks) !== formatPrefixes(after.networks)) {
    const what = `the networks would change from ${formatPrefixes(before.networks)} to ${formatPrefixes(after.networks)}`;
    return fail(identityError(next, what));
  }
  if (before.curve !== after.curve) {
    return fail(identityError(next, `the curve would change from ${before.curve} to ${after.curve}`));
  }
  const changes = changedKeys(running, next);
  return ok({
    applied: changes.filter(({ path }) => specOf(path).reload === "live"),
    needsRestart: changes.filter(({ path }) => specOf(path).reload === "restart"),
    live: next.settings.live,
  });
}

function changedKeys(running: Reloadable, next: Reloadable): readonly KeyChange[] {
  const before = new Map(running.effective.map(({ path, value }) => [path, value]));
  return next.effective
    .filter(({ path }) => running.digests.get(path) !== next.digests.get(path))
    .map(({ path, value }) => ({ path, before: before.get(path) ?? null, after: value }));
}

function identityError(next: Reloadable, what: string): ConfigError {
  const place = next.effective.find(({ path }) => path === "pki.cert")?.origin;
  return { code: "CONFIG_IDENTITY", place, path: "pki.cert", what, todo: "restart to become this host" };
}
