import { fail, ok, type Result } from "../base/result.ts";
import { formatPrefix, type Prefix } from "../netip/prefix.ts";
import type { ConfigError } from "./document/config-error.ts";
import type { EffectiveValue, PlainValue } from "./document/effective.ts";
import { specOf } from "./schema/schema.ts";
import type { Settings } from "./settings.ts";

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
  /** The new settings, except that keys which need a restart keep their old values. */
  readonly settings: Settings;
}

/**
 * Compares the running configuration with a new one. Refused when this host would become another one: its overlay networks are those of
 * the device and of every tunnel.
 */
export function planReload(running: Reloadable, next: Reloadable): Result<ReloadPlan, ConfigError> {
  const before = running.settings.identity.credential;
  const after = next.settings.identity.credential;
  if (networksOf(before.networks) !== networksOf(after.networks)) {
    const what = `the networks would change from ${networksOf(before.networks)} to ${networksOf(after.networks)}`;
    return fail(identityError(next, what));
  }
  if (before.curve !== after.curve) {
    return fail(identityError(next, `the curve would change from ${before.curve} to ${after.curve}`));
  }
  const changes = changedKeys(running, next);
  return ok({
    applied: changes.filter(({ path }) => specOf(path).reload === "live"),
    needsRestart: changes.filter(({ path }) => specOf(path).reload === "restart"),
    settings: {
      ...next.settings,
      cipher: running.settings.cipher,
      listen: running.settings.listen,
      tun: running.settings.tun,
      handshakes: running.settings.handshakes,
      timers: running.settings.timers,
      lighthouse: { ...next.settings.lighthouse, amLighthouse: running.settings.lighthouse.amLighthouse },
    },
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
  return { code: "CONFIG_IDENTITY", place, path: "pki.cert", what, hint: "restart to become this host" };
}

function networksOf(networks: readonly Prefix[]): string {
  return networks.map(formatPrefix).join(", ");
}
