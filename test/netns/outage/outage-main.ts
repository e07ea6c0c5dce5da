import { findNebula, LACIS } from "../lab/implementation.ts";
import { EVENTS } from "./events.ts";
import { MEDIAN_MAX_MS, median, runSeries, WORST_MAX_MS } from "./outage.ts";

/**
 * `npm run bench:outage [-- ROUNDS [SLEEP_SECONDS [EVENT,... [ours|stock]]]]`: how long two hosts that talk 20 times a second hear nothing when something
 * happens to one of ours: to ours, and to a stock Nebula 1.11. Twenty rounds and a sleep of a minute unless it is said otherwise; events by the beginning of their
 * names. Exit status 1 when a limit is missed, 2 when the
 * rounds are not even (every other one brings a host back), 3 when Nebula is missing.
 */
const [rounds = "20", sleepSeconds = "60", names = "", others = "ours,stock"] = process.argv.slice(2);
if (!(Number(rounds) > 0 && Number(rounds) % 2 === 0)) {
  console.error(`outage: rounds "${rounds}": write an even number, two bring a host that moved back to where it was`);
  process.exit(2);
}
const events = EVENTS.filter(({ name }) => names.split(",").some((wanted) => name.startsWith(wanted)));
const nebula = await findNebula("1.11");
const wanted = others.split(",").flatMap((other) => (other === "ours" ? [LACIS] : nebula ? [nebula] : []));
if (wanted.length < others.split(",").length) {
  console.error("outage: Nebula 1.11 is missing - run scripts/fetch-peers");
  process.exit(3);
}
const lines: string[] = [];
let isShort = false;
for (const [number, other] of wanted.entries()) {
  const plan = {
    name: `outage${number}`,
    other,
    rounds: Number(rounds),
    sleepMs: Number(sleepSeconds) * 1_000,
    events,
  };
  for (const { event, ms } of await runSeries({
    ...plan,
    each: (what, took) => console.error(`${what}: ${took} ms`),
  })) {
    const [middle, worst] = [median(ms), Math.max(...ms)];
    const isMissed = middle > MEDIAN_MAX_MS || worst > WORST_MAX_MS;
    isShort ||= isMissed;
    const who = `ours to ${other === LACIS ? "ours" : other.name}`;
    lines.push(
      `${event.padEnd(28)} ${who.padEnd(22)} median ${String(Math.round(middle)).padStart(5)} ms   worst of ${ms.length} ${String(worst).padStart(6)} ms   ${isMissed ? "MISSED" : "ok"}`,
    );
  }
}
console.log(lines.join("\n"));
process.exitCode = isShort ? 1 : 0;
