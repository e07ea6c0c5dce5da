import { existsSync } from "node:fs";
import { join } from "node:path";
import { Authority } from "../test/netns/lab/certificates.ts";
import { isInstalled } from "../test/netns/lab/command.ts";
import { LACIS, PROJECT } from "../test/netns/lab/implementation.ts";
import { APPS } from "./apps/all.ts";
import { describeCloseness, measureCipher } from "./closeness.ts";
import { lacisEngine, nebulaEngine, nullCipherEngine, releasedNebula } from "./engines/configured.ts";
import type { Engine } from "./engines/engine.ts";
import { wireGuardGo } from "./engines/wireguard-go.ts";
import { readMachineFacts } from "./machine-facts.ts";
import { option, options, pairedBuilds } from "./pairing.ts";
import { describeMachine, describeScenario, OURS } from "./report.ts";
import { keepResults, ratio, type ScenarioResult } from "./results.ts";
import { measureScenario } from "./rounds.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { ONE_STREAM } from "./scenarios/streams.ts";

const USAGE = `Ours beside other tunnels, on two machines (namespaces) with one cable between them.

    npm run bench -- [--apps] [--quick] [--only NAME,NAME] [--engines NAME,NAME] [--engine NAME=PATH]...
                     [--null PATH] [--against FOLDER] [--rounds N] [--seconds N] [--drops N] [--json FILE] [--list]

--apps     programs that people use, through ours and through the released Nebula
--engine   another Nebula, by its program: --engine nebula-dev=/some/where/nebula
--null     a data plane of ours that seals nothing: what everything but the cipher costs
--against  the build of ours in another checkout (scripts/build-commit COMMIT makes one)
--quick    two minutes: ours and the released Nebula, two short rounds
--drops    so many rounds of a scenario are done again when other programs took more than 4 % of the machine
--json     where results are kept; those of other scenarios that are there stay

Exit status: 1 when ours is slower than Nebula 1.11 with one TCP stream, or a scenario failed; 3 when something that is needed is missing.`;

/** Rounds, seconds of each measurement, rounds that are done again. */
const FULL = { rounds: 6, seconds: 3, drops: 3 };
const QUICK = { rounds: 2, seconds: 1, drops: 1 };

async function main(): Promise<number> {
  if (process.argv.includes("--help")) return say(USAGE);
  const all = process.argv.includes("--apps") ? APPS : SCENARIOS;
  if (process.argv.includes("--list"))
    return say(all.map(({ name, title }) => `${name.padEnd(20)}${title}`).join("\n"));
  const quick = process.argv.includes("--quick");
  const usual = quick ? QUICK : FULL;
  const engines = await findEngines(quick || all === APPS);
  if (!(await isInstalled("iperf3"))) {
    console.error("bench: iperf3 is missing - install it: apt-get install iperf3");
    return 3;
  }
  const series = {
    rounds: Number(option("--rounds") ?? usual.rounds),
    drops: Number(option("--drops") ?? usual.drops),
    effort: { seconds: Number(option("--seconds") ?? usual.seconds) },
    authority: await Authority.create(LACIS.certificates, "/run/lab/bench-authority", new Set([1])),
    tell: (line: string) => console.error(line),
  };
  say(describeMachine(readMachineFacts()));
  for (const { name, version } of engines) say(`${name}: ${version}`);
  const scenarios: Record<string, ScenarioResult> = {};
  let failures = 0;
  const path = option("--json") ?? join(PROJECT, "dist/reports/bench.json");
  for (const scenario of all.filter(chosen("--only"))) {
    const lacking = await scenario.missing?.();
    if (lacking !== undefined) {
      say(`\n${scenario.title}: not measured, this machine has no ${lacking}`);
      continue;
    }
    const result = await measureScenario(scenario, engines, series);
    failures += result.failed.length;
    scenarios[scenario.name] = result;
    await keepResults(path, { scenarios });
    say(describeScenario(result));
    if (scenario === ONE_STREAM && result.engines[`${OURS}-null`])
      say(describeCloseness(result, await measureCipher()));
  }
  say(`\nkept in ${path}`);
  return slowerThanReleased(scenarios) || failures > 0 ? 1 : 0;
}

/** Whoever is there; who is missing is said. */
async function findEngines(quick: boolean): Promise<readonly Engine[]> {
  const found: Engine[] = [];
  for (const build of pairedBuilds()) found.push(await lacisEngine(build));
  const nullPath = option("--null");
  if (nullPath !== undefined) found.push(await nullCipherEngine(nullPath));
  for (const given of options("--engine")) {
    const [name = "", path = ""] = given.split("=", 2);
    if (existsSync(path)) found.push(await nebulaEngine(name, path));
    else console.error(`bench: ${given} - no program is there - give one as NAME=PATH`);
  }
  const others = [{ name: "nebula-1.11", engine: await releasedNebula("1.11") }];
  if (!quick) {
    others.push({ name: "wireguard-go", engine: await wireGuardGo() });
    others.push({ name: "nebula-1.6", engine: await releasedNebula("1.6") });
  }
  for (const { name, engine } of others) {
    if (engine) found.push(engine);
    else console.error(`bench: ${name} is missing - run scripts/fetch-peers to have it in the comparison`);
  }
  return found.filter(chosen("--engines"));
}

/** What an option names, separated by commas; everything when it is not given. */
function chosen(name: string): (one: { readonly name: string }) => boolean {
  const names = option(name)?.split(",");
  return (one) => names?.includes(one.name) ?? true;
}

function slowerThanReleased({ "one-stream": measured }: Readonly<Record<string, ScenarioResult>>): boolean {
  const times = measured && ratio(measured.rounds, OURS, "nebula-1.11", "rate");
  if (times === undefined) return false;
  say(times < 1 ? "FAIL: slower than the released Nebula" : "ok: not slower than the released Nebula");
  return times < 1;
}

function say(text: string): number {
  console.log(text);
  return 0;
}

process.exitCode = await main();
