import { join } from "node:path";
import { Authority } from "../test/netns/lab/certificates.ts";
import { isInstalled } from "../test/netns/lab/command.ts";
import { LACIS, PROJECT } from "../test/netns/lab/implementation.ts";
import { APPS } from "./apps/all.ts";
import { type Asked, chosen, Refused, readAsked } from "./asked.ts";
import { describeCloseness, measureCipher } from "./closeness.ts";
import { lacisEngine, nebulaEngine, nullCipherEngine, releasedNebula, unloggedEngine } from "./engines/configured.ts";
import type { Engine } from "./engines/engine.ts";
import { wireGuardGo } from "./engines/wireguard-go.ts";
import { readMachineFacts } from "./machine-facts.ts";
import { pairedBuilds } from "./pairing.ts";
import { describeMachine, describeScenario, OURS } from "./report.ts";
import { keepResults, ratio, type ScenarioResult } from "./results.ts";
import { measureScenario } from "./rounds.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { ONE_STREAM } from "./scenarios/streams.ts";

const USAGE = `Ours beside other tunnels, on two machines (namespaces) with one cable between them.

    npm run bench -- [--apps] [--quick] [--only NAME,NAME] [--engines NAME,NAME] [--engine NAME=PATH]...
                     [--null PATH] [--unlogged] [--against FOLDER] [--rounds N] [--seconds N] [--drops N] [--json FILE] [--list]

--apps     programs that people use, through ours and through the released Nebula
--engine   another Nebula, by its program: --engine nebula-dev=/some/where/nebula
--null     a data plane of ours that seals nothing: what everything but the cipher costs
--unlogged ours without a flow log, too: what the log costs
--against  the build of ours in another checkout (scripts/build-commit COMMIT makes one)
--quick    two minutes: ours and the released Nebula, two short rounds
--drops    so many rounds of a scenario are done again when other programs took more than 4 % of the machine
--json     where results are kept; those of other scenarios that are there stay

Exit status: 1 when ours is slower than Nebula 1.11 with one TCP stream, or a scenario failed; 2 when what is asked for makes no sense; 3 when
something that is needed is missing.`;

const RELEASED = "nebula-1.11";
const FAILED = 1;
const MISSING = 3;

async function main(): Promise<number> {
  const asked = readAsked(process.argv.slice(2));
  if (asked.help) return say(USAGE);
  const all = asked.apps ? APPS : SCENARIOS;
  if (asked.list) return say(all.map(({ name, title }) => `${name.padEnd(20)}${title}`).join("\n"));
  const wanted = chosen("--only", asked.only, all);
  const engines = chosen("--engines", asked.engines, await findEngines(asked));
  if (!(await isInstalled("iperf3"))) {
    console.error("bench: iperf3 is missing - install it: apt-get install iperf3");
    return MISSING;
  }
  const { rounds, drops, seconds } = asked;
  const series = {
    rounds,
    drops,
    effort: { seconds },
    authority: await Authority.create(LACIS.certificates, "/run/lab/bench-authority", new Set([1])),
    tell: (line: string) => console.error(line),
  };
  say(describeMachine(readMachineFacts()));
  for (const { name, version } of engines) say(`${name}: ${version}`);
  const scenarios: Record<string, ScenarioResult> = {};
  let failures = 0;
  const path = asked.json ?? join(PROJECT, "dist/reports/bench.json");
  for (const scenario of wanted) {
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
  const verdict = verdictOf(scenarios, asked.engines);
  return verdict === 0 && failures > 0 ? FAILED : verdict;
}

/** Whoever is there; who is missing is said. */
async function findEngines({ quick, apps, nullPath, unlogged, programs }: Asked): Promise<readonly Engine[]> {
  const found: Engine[] = [];
  for (const build of pairedBuilds()) found.push(await lacisEngine(build));
  if (nullPath !== undefined) found.push(await nullCipherEngine(nullPath));
  if (unlogged) found.push(await unloggedEngine());
  for (const { name, path } of programs) found.push(await nebulaEngine(name, path));
  const others = [{ name: RELEASED, engine: await releasedNebula("1.11") }];
  if (!quick && !apps) {
    others.push({ name: "wireguard-go", engine: await wireGuardGo() });
    others.push({ name: "nebula-1.6", engine: await releasedNebula("1.6") });
  }
  for (const { name, engine } of others) {
    if (engine) found.push(engine);
    else console.error(`bench: ${name} is missing - run scripts/fetch-peers to have it in the comparison`);
  }
  return found;
}

/** Of one TCP stream beside the released Nebula, if both were to be measured. */
function verdictOf(
  { "one-stream": measured }: Readonly<Record<string, ScenarioResult>>,
  engines: readonly string[] | undefined,
): number {
  const isAsked = [OURS, RELEASED].every((name) => engines?.includes(name) ?? true);
  if (!measured || !isAsked) return 0;
  const times = ratio(measured.rounds, OURS, RELEASED, "rate");
  if (times === undefined) {
    console.error(`bench: ${OURS} and ${RELEASED} have no round in common - they cannot be compared - see above`);
    return MISSING;
  }
  say(times < 1 ? "FAIL: slower than the released Nebula" : "ok: not slower than the released Nebula");
  return times < 1 ? FAILED : 0;
}

function say(text: string): number {
  console.log(text);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
