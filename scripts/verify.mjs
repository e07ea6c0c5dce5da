#!/usr/bin/env node
/**
 * Installs, builds and runs the tests: `npm test`. With `--ci` also the linters and the comparison with the released Nebula: `.ci/run`.
 *
 *     node scripts/verify.mjs [--ci] [stage ...]
 *
 * Plain JavaScript without packages, because in a fresh clone nothing is installed or built yet. A stage that lacks a tool is
 * skipped by name and counted. A stage without tests of its own (a build, a linter) counts as one. Nothing is tried twice.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), "..");
const REPORTS = join(PROJECT, "dist/reports");
const MANIFEST = ["--manifest-path", "native/Cargo.toml"];

/**
 * name; what it runs, and what it runs `beside` that at the same time; `counts` reads passed/failed/skipped out of what it left; `needs` says what is missing; a failed
 * `essential` stage ends the run; `ci` stages run only with --ci.
 */
const STAGES = [
  { name: "packages", command: ["npm", "ci", "--no-audit", "--no-fund"], essential: true, needed: packagesAreStale },
  { name: "build", command: ["node_modules/.bin/tsc", "-b"], essential: true },
  {
    name: "build-native",
    command: ["cargo", "build", "--release", "--locked", ...MANIFEST],
    needs: () => missingTools(["cargo"]),
  },
  {
    name: "release",
    command: ["node", "scripts/check-release.mjs", "native/target/release/lacis-dataplane"],
    needs: () => missingTools(["cargo"]),
  },
  { name: "lint", command: ["node_modules/.bin/biome", "check", "--error-on-warnings", "."], ci: true },
  { name: "unit", command: vitest("unit", []), counts: () => vitestCounts("unit") },
  {
    name: "native",
    command: ["cargo", "test", "--locked", "--no-fail-fast", ...MANIFEST],
    counts: cargoCounts,
    needs: () => missingTools(["cargo"]),
  },
  {
    name: "clippy",
    command: ["cargo", "clippy", "--locked", "--all-targets", ...MANIFEST, "--", "-D", "warnings"],
    needs: () => missingCargo("clippy"),
    ci: true,
  },
  {
    name: "rustfmt",
    command: ["cargo", "fmt", "--all", "--check", ...MANIFEST],
    needs: () => missingCargo("fmt"),
    ci: true,
  },
  { name: "netns", command: inLab("netns"), counts: () => vitestCounts("netns"), needs: missingLab },
  {
    name: "interop",
    prepare: ["scripts/fetch-peers"],
    // Stock hosts mostly wait, and every lab is a machine of its own.
    command: inLab("interop"),
    beside: [inLab("scenarios"), inLab("certificates"), inLab("patient")],
    counts: () => ["interop", "scenarios", "certificates", "patient"].map(vitestCounts).reduce(sum),
    needs: missingLab,
  },
  {
    name: "throughput",
    command: ["scripts/lab", "node", "dist/bench/main.js", "--quick", "--only", "one-stream", "--seconds", "3"],
    needs: () => missingTools(["iperf3"]) ?? missingLab(),
    ci: true,
  },
];

const ci = process.argv.includes("--ci");
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const total = { passed: 0, failed: 0, skipped: 0 };
const summary = [];
mkdirSync(REPORTS, { recursive: true });

for (const stage of STAGES) {
  if (chosen.length > 0 ? !chosen.includes(stage.name) : stage.ci && !ci) continue;
  if (stage.needed?.() === false) continue;
  const lacking = stage.needs?.();
  if (lacking) {
    record(stage, { passed: 0, failed: 0, skipped: 1 }, 0, `needs ${lacking}`);
    continue;
  }
  say(`\n=== ${stage.name}: ${stage.command.join(" ")}`);
  const startedAt = performance.now();
  if (stage.prepare) await run(stage.prepare);
  const [{ status, output }, ...beside] = await Promise.all([stage.command, ...(stage.beside ?? [])].map(run));
  const counts = stage.counts?.(output) ?? { passed: status === 0 ? 1 : 0, failed: 0, skipped: 0 };
  if ([status, ...beside.map((one) => one.status)].some((one) => one !== 0) && counts.failed === 0) counts.failed = 1;
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
  for (const name of counts.failedNames ?? []) summary.push(`${" ".repeat(14)}failed: ${name}`);
}

/** Runs a command in the project; its output is shown and also returned. */
function run([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: PROJECT, stdio: ["ignore", "pipe", "inherit"] });
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

function sum(a, b) {
  const names = (key) => [...(a[key] ?? []), ...(b[key] ?? [])];
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failedNames: names("failedNames"),
    skippedNames: names("skippedNames"),
  };
}

function vitestCounts(report) {
  const path = join(REPORTS, `${report}.json`);
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const results = JSON.parse(readFileSync(path, "utf8"));
  rmSync(path);
  const tests = results.testResults.flatMap((file) => file.assertionResults);
  const named = (status) => tests.filter((test) => status.includes(test.status)).map((test) => test.fullName);
  const [failedNames, skippedNames] = [named(["failed"]), named(["pending", "skipped", "todo"])];
  // A file that cannot even be loaded has no tests to fail.
  const broken = results.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  failedNames.push(...broken.map((file) => file.name));
  return {
    passed: named(["passed"]).length,
    failed: failedNames.length,
    skipped: skippedNames.length,
    failedNames,
    skippedNames,
  };
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
