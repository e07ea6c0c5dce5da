import { instant, wallTime } from "../../../../src/core/base/time.ts";
import { loadSettings } from "../../../../src/runtime/config/config-file.ts";
import { askRenewal } from "../../../../src/runtime/enrolment/service-client.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { Renewal } from "../../../../src/runtime/renewal/renewal.ts";

// A host's renewal as its daemon does it, once and at once, as a program that can be killed: renew-once.js CONFIG. Exits with 0 once the next certificate is in force.

const [, , config = ""] = process.argv;
const clock = () => ({ now: instant(performance.now()), wall: wallTime(BigInt(Date.now()) * 1_000_000n) });
const load = () => {
  const loaded = loadSettings(config, { suite: nodeSuite, wall: clock().wall });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.reason));
  return loaded.value.settings;
};
let settings = load();
const renewal = new Renewal({
  settings: () => settings,
  clock,
  chance: () => 0.5,
  version: "0.1.0",
  dueBefore: () => 0n,
  ask: askRenewal,
  apply: () => {
    settings = load();
  },
  tell: (event) => {
    if (event.code === "certificate-renewed") process.exit(0);
    process.stderr.write(`${JSON.stringify(event)}\n`);
    process.exit(1);
  },
  onFirstHost: () => undefined,
});
renewal.start();
