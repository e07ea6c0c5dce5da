import { describe, expect, test } from "vitest";
import { formatConfigError } from "../../../../src/core/config/document/config-error.ts";
import type { PemTexts } from "../../../../src/core/config/parse/pem-reference.ts";
import { planReload, type Reloadable } from "../../../../src/core/config/reload-plan.ts";
import { parsed, SOUND } from "./parsed.ts";
import { fittingPems, TestAuthority } from "./test-pki.ts";

function loaded(text: string, pems?: PemTexts): Reloadable {
  const { settings, effective, digests } = parsed(text, pems);
  if (!settings) throw new Error("the configuration has errors");
  return { settings, effective, digests };
}

function plan(before: Reloadable, after: Reloadable) {
  const outcome = planReload(before, after);
  if (!outcome.ok) throw new Error(formatConfigError(outcome.reason));
  return outcome.value;
}

describe("a reload", () => {
  test("of the same configuration changes nothing", () => {
    expect(plan(loaded(SOUND), loaded(SOUND))).toMatchObject({ applied: [], needsRestart: [] });
  });

  test("of another spelling changes nothing", () => {
    const before = loaded(`${SOUND}punchy: {punch: true}\ntun: {tx_queue: 500}\n`);
    expect(plan(before, loaded(`${SOUND}punchy: {punch: yes}\n`))).toMatchObject({ applied: [], needsRestart: [] });
  });

  test("applies rules, punching and the log, and says from what to what", () => {
    const after = loaded(
      `${SOUND.replace("proto: icmp", "proto: any")}punchy: {punch: yes}\nlogging: {level: debug}\n`,
    );
    const { applied, needsRestart } = plan(loaded(SOUND), after);
    expect(applied.map(({ path }) => path)).toEqual(["punchy.punch", "firewall.inbound", "logging.level"]);
    expect(applied[0]).toEqual({ path: "punchy.punch", before: false, after: true });
    expect(needsRestart).toEqual([]);
  });

  test("keeps what needs a restart as it was", () => {
    const before = loaded(SOUND);
    const after = loaded(
      `${SOUND}listen: {port: 4242}\ntun: {tx_queue: 1400}\ncipher: chachapoly\npunchy: {punch: yes}\n`,
    );
    const { needsRestart, live } = plan(before, after);
    expect(needsRestart.map(({ path }) => path)).toEqual(["cipher", "listen.port", "tun.tx_queue"]);
    expect(live).toEqual(after.settings.live);
    expect(live.punchy).toMatchObject({ punch: true });
  });

  test("sees a renewed certificate behind the same path", () => {
    const renewed = { ...fittingPems(), "pki.cert": new TestAuthority().host({ until: 91n }) };
    expect(plan(loaded(SOUND), loaded(SOUND, renewed)).applied).toEqual([
      { path: "pki.cert", before: "host.crt", after: "host.crt" },
    ]);
  });

  test("is refused when this host's networks would change", () => {
    const moved = { ...fittingPems(), "pki.cert": new TestAuthority().host({ networks: ["10.77.0.3/24"] }) };
    const outcome = planReload(loaded(SOUND), loaded(SOUND, moved));
    expect(!outcome.ok && formatConfigError(outcome.reason)).toBe(
      "config.yml:1:25: pki.cert: the networks would change from 10.77.0.2/24 to 10.77.0.3/24 - restart to become this host",
    );
  });
});
