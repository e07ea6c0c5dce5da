#!/usr/bin/env node
/**
 * Installs, builds and runs the tests: `npm test`. With `--ci` also the linters and the comparison with the released Nebula: `.ci/run`.
 *
 *     node scripts/verify.mjs [--ci] [stage ...]
 *
 * Plain JavaScript without packages, because in a fresh clone nothing is installed or built yet. A stage that lacks a tool is
 * skipped by name and counted. A stage without tests of its own (a build, a linter) counts as one.
 *
 * Test files that fail are run once more with the machine to themselves: real daemons that share two cores with four labs miss
 * deadlines that they keep alone. A test that fails both times has failed; one that passes one of them is named as unsteady, with what was wrong.
 * When more than a few fail, the fault is not the company they had, and nothing is run again.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), "..");
const REPORTS = join(PROJECT, "dist/reports");
const MANIFEST = ["--manifest-path", "native/Cargo.toml"];
const BUILD = ["cargo", "build", "--release", "--locked", ...MANIFEST];
const CLIPPY = ["cargo", "clippy", "--locked", "--all-targets", ...MANIFEST, "--", "-D", "warnings"];
const AGAIN_MAX = 5;
const WHY_CHARACTERS_MAX = 300;
const BUILDS_BEFORE = JSON.parse(readFileSync(join(PROJECT, "test/netns/lab/builds-before.json"), "utf8"));

/**
 * name; what it runs, what comes before that in order to `prepare` it, and what it runs `beside` that at the same time; `ahead`: later stages that are prepared
 * meanwhile, with what the processors have left; `reports` of Vitest that it leaves, or `counts`, which reads passed/failed/skipped out of its output; `needs` says what
 * is missing; a failed `essential` stage ends the run; `ci` stages run only with --ci.
 */
const STAGES = [
  {
    name: "packages",
    command: ["npm", "ci", "--no-audit", "--no-fund"],
    essential: true,
    needed: packagesAreStale,
    ahead: ["build-native"],
  },
  { name: "build", command: ["node_modules/.bin/tsc", "-b"], essential: true },
  {
    name: "build-native",
    prepare: [BUILD],
    command: BUILD,
    needs: () => missingTools(["cargo"]),
  },
  {
    name: "release",
    command: ["node", "scripts/check-release.mjs", "native/target/release/lacis-dataplane"],
    needs: () => missingTools(["cargo"]),
  },
  { name: "lint", command: ["node_modules/.bin/biome", "check", "--error-on-warnings", "."], ci: true },
  {
    name: "rustfmt",
    command: ["cargo", "fmt", "--all", "--check", ...MANIFEST],
    needs: () => missingCargo("fmt"),
    ci: true,
  },
  { name: "unit", command: vitest("unit", []), reports: ["unit"] },
  {
    name: "netns",
    command: inLab("netns"),
    beside: [inLab("routers")],
    reports: ["netns", "routers"],
    needs: missingLab,
    ahead: ["interop", "native", "clippy"],
  },
  {
    name: "interop",
    // A lab has no network, and builds of other commits may need packages that are not here.
    prepare: [
      ["scripts/fetch-peers"],
      ...Object.values(BUILDS_BEFORE).map((commit) => ["scripts/build-commit", commit]),
    ],
    // Stock hosts mostly wait, and every lab is a machine of its own.
    command: inLab("interop"),
    beside: [inLab("scenarios"), inLab("certificates"), inLab("patient")],
    reports: ["interop", "scenarios", "certificates", "patient"],
    needs: missingLab,
  },
  {
    name: "native",
    prepare: [["cargo", "test", "--no-run", "--locked", ...MANIFEST]],
    command: ["cargo", "test", "--locked", "--no-fail-fast", ...MANIFEST],
    counts: cargoCounts,
    needs: () => missingTools(["cargo"]),
  },
  {
    name: "clippy",
    prepare: [CLIPPY],
    command: CLIPPY,
    needs: () => missingCargo("clippy"),
    ci: true,
  },
  {
    name: "throughput",
    command: ["scripts/lab", "node", "dist/bench/main.js", "--quick", "--only", "one-stream", "--seconds", "3"],
    needs: () => missingTools(["iperf3"]) ?? missingLab(),
    ci: true,
  },
];

/** Linux shares processors among sessions first, where it groups by them (sched(7), autogroup), and then by how nice a process is: started in a session of its own. */
const WITH_WHAT_IS_LEFT = ["sh", "-c", 'echo 19 2>&- >/proc/self/autogroup; exec nice -n 19 "$@"', "sh"];

const ci = process.argv.includes("--ci");
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const total = { passed: 0, failed: 0, skipped: 0 };
const summary = [];
mkdirSync(REPORTS, { recursive: true });
// So that what is prepared ahead goes, too.
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
])
  process.once(signal, () => process.exit(status));

for (const stage of STAGES) {
  if (!isWanted(stage) || stage.needed?.() === false) continue;
  const lacking = stage.needs?.();
  if (lacking) {
    record(stage, { passed: 0, failed: 0, skipped: 1 }, 0, `needs ${lacking}`);
    continue;
  }
  say(`\n=== ${stage.name}: ${stage.command.join(" ")}`);
  const startedAt = performance.now();
  for (const command of stage.prepare ?? []) await run(command);
  const ahead = prepareAhead(STAGES.filter((later) => stage.ahead?.includes(later.name) && isWanted(later)));
  const runs = await Promise.all([stage.command, ...(stage.beside ?? [])].map((command) => run(command)));
  await ahead;
  const [{ status, output }] = runs;
  const failed = status === 0 ? 0 : 1;
  const counts = stage.reports
    ? await vitestCounts(stage.reports.map((report, at) => ({ report, status: runs[at].status })))
    : (stage.counts?.(output) ?? { passed: 1 - failed, failed, skipped: 0 });
  if (status !== 0 && !stage.reports && counts.failed === 0) counts.failed = 1;
  record(stage, counts, performance.now() - startedAt);
  if (status !== 0 && stage.essential) break;
}

say("");
for (const line of summary) say(line);
say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;

function record(stage, counts, elapsedMs, why) {
  for (const key of Object.keys(total)) total[key] += counts[key];
  const verdict = why ? `skipped: ${why}` : counts.failed > 0 ? "FAILED" : "ok";
  const numbers = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
  summary.push(
    `${stage.name.padEnd(12)}  ${(elapsedMs / 1000).toFixed(1).padStart(6)} s  ${numbers.padEnd(36)}  ${verdict}`,
  );
  for (const name of counts.skippedNames ?? []) summary.push(`${" ".repeat(14)}skipped: ${name}`);
  for (const name of counts.unsteadyNames ?? []) summary.push(`${" ".repeat(14)}unsteady, passed once: ${name}`);
  for (const name of counts.failedNames ?? []) summary.push(`${" ".repeat(14)}failed: ${name}`);
}

function isWanted({ name, ci: only }) {
  return chosen.length > 0 ? chosen.includes(name) : ci || !only;
}

/** What fails here fails again, and is told, when the stage's own turn comes. */
async function prepareAhead(stages) {
  for (const stage of stages) {
    if (stage.needs?.()) continue;
    for (const command of stage.prepare) await run([...WITH_WHAT_IS_LEFT, ...command], { detached: true });
  }
}

/** Runs a command in the project; its output is shown and also returned. */
function run([program, ...args], options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, cwd: PROJECT, stdio: ["ignore", "pipe", "inherit"] });
    const runs = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
    if (options.detached) process.once("exit", () => runs() && process.kill(-child.pid));
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on("error", (error) => resolve({ status: 127, output: String(error) }));
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

function vitest(report, args) {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${join(REPORTS, `${report}.json`)}`];
  return ["node_modules/.bin/vitest", "run", ...reporters, ...args];
}

function inLab(project) {
  return ["scripts/lab", ...vitest(project, ["--config", "test/vitest.lab.config.ts", "--project", project])];
}

/** Of all reports of a stage together, with what failed run again. */
async function vitestCounts(runs) {
  const files = runs.flatMap(({ report, status }) => filesOf(report, status));
  const unsteady = [];
  const failed = files.filter((file) => file.failed.length > 0);
  for (const file of failed.length <= AGAIN_MAX ? failed.filter(({ again }) => again) : []) {
    say(`\n=== again, alone: ${file.again.join(" ")}`);
    const { status } = await run(file.again);
    const second = filesOf(file.report, status);
    const complaints = [...file.failed, ...second.flatMap((other) => other.failed)];
    const passed = new Set([file, ...second].flatMap((other) => other.passed));
    const good = ({ name }) => passed.has(name) || second.every((other) => other.failed.length === 0);
    unsteady.push(...complaints.filter(good));
    file.failed = [...new Map(complaints.map((test) => [test.name, test])).values()].filter((test) => !good(test));
    file.passed = [...passed];
  }
  const all = (key) => files.flatMap((file) => file[key]);
  const told = ({ name, why }) => (why ? `${name}: ${why}` : name);
  return {
    passed: all("passed").length,
    failed: all("failed").length,
    skipped: all("skippedNames").length,
    failedNames: all("failed").map(told),
    skippedNames: all("skippedNames"),
    unsteadyNames: unsteady.map(told),
  };
}

/** What a report says of each test file, and how one that failed is run `again`. What went wrong outside of every file is one more. */
function filesOf(report, status) {
  const path = join(REPORTS, `${report}.json`);
  const outside = (name) => ({ report, passed: [], failed: [{ name }], skippedNames: [] });
  if (!existsSync(path)) return [outside(`${report}: no report`)];
  const { testResults } = JSON.parse(readFileSync(path, "utf8"));
  rmSync(path);
  const files = testResults.map(({ name: file, status: verdict, message, assertionResults }) => {
    const having = (...statuses) => assertionResults.filter((test) => statuses.includes(test.status));
    const names = (...statuses) => having(...statuses).map((test) => test.fullName);
    const failed = having("failed").map((test) => ({ name: test.fullName, why: firstLine(test.failureMessages?.[0]) }));
    // A file that cannot be loaded, or whose set-up failed, may have no test that did.
    if (verdict === "failed" && failed.length === 0) failed.push({ name: file, why: firstLine(message) });
    return {
      report,
      again: [...(report === "unit" ? vitest(report, []) : inLab(report)), relative(PROJECT, file)],
      passed: names("passed"),
      failed,
      skippedNames: names("pending", "skipped", "todo"),
    };
  });
  if (status !== 0 && files.every(({ failed }) => failed.length === 0))
    files.push(outside(`${report}: an error outside of its tests`));
  return files;
}

function firstLine(message) {
  return message?.split("\n", 1)[0].slice(0, WHY_CHARACTERS_MAX);
}

function cargoCounts(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
    counts.skipped += Number(ignored);
  }
  return counts;
}

function packagesAreStale() {
  const installed = join(PROJECT, "node_modules/.package-lock.json");
  return !existsSync(installed) || statSync(join(PROJECT, "package-lock.json")).mtimeMs > statSync(installed).mtimeMs;
}

function missingTools(tools) {
  const missing = tools.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0);
  return missing.length > 0 ? missing.join(" and ") : undefined;
}

function missingCargo(component) {
  return spawnSync("cargo", [component, "--version"]).status === 0 ? undefined : `cargo ${component}`;
}

function missingLab() {
  const tried = spawnSync("scripts/lab", ["true"], { cwd: PROJECT, encoding: "utf8" });
  return tried.status === 0 ? undefined : `network namespaces (${tried.stderr.trim().replace(/^lab: /, "")})`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
