#!/usr/bin/env node
/**
 * Makes what is installed: `npm run package` builds, and this puts dist/packages/lacis_VERSION_ARCH.deb and lacis-VERSION-linux-ARCH.tar.gz there out of what was built and of
 * the locked packages in node_modules. No network. With `--version VERSION` under another version, with `--data-plane PATH` around
 * another data plane, with `--only deb` or `--only tar` one of the two.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.mjs";
import { isProgram, runningPackages } from "./package-closure.mjs";

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), "..");
const OUT = join(PROJECT, "dist/packages");
const manifest = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
const { values: options } = parseArgs({
  options: {
    version: { type: "string", default: manifest.version },
    "data-plane": { type: "string", default: join(PROJECT, "native/target/release/lacis-dataplane") },
    out: { type: "string", default: OUT },
    only: { type: "string", default: "" },
  },
});
/** As Debian and as everybody else calls this machine. */
const ARCHITECTURES = { x64: ["amd64", "x86_64"], arm64: ["arm64", "aarch64"] };
const [debian, common] = ARCHITECTURES[process.arch] ?? fail(`no package is made for ${process.arch}`);
const { version } = options;

run(process.execPath, [join(PROJECT, "scripts/check-release.mjs"), options["data-plane"]]);
mkdirSync(options.out, { recursive: true });
if (options.only !== "deb") await makeTarball();
if (options.only !== "tar") await makeDeb();

/** Everything but Node.js, in one folder that works from wherever it lies. */
async function fillProgram(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ ...manifest, version, devDependencies: {}, scripts: {} }, null, 2)}\n`,
  );
  await bundle(join(folder, "dist"));
  for (const place of runningPackages(
    PROJECT,
    Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
  )) {
    const from = join(PROJECT, place);
    const filter = (path) => path === from || isProgram(relative(from, path));
    cpSync(from, join(folder, place), { recursive: true, dereference: true, filter });
  }
  // Folders of which nothing runs.
  run("find", [join(folder, "node_modules"), "-type", "d", "-empty", "-delete"]);
  cpSync(options["data-plane"], join(folder, "lacis-dataplane"));
  cpSync(join(PROJECT, "native/target/release/liblacis_crypto.so"), join(folder, "lacis-crypto.node"));
  chmodSync(join(folder, "lacis-crypto.node"), 0o644);
  chmodSync(join(folder, "lacis-dataplane"), 0o755);
  for (const entry of ["dist/src/cli/main.js", "dist/certs/cli/main.js"]) chmodSync(join(folder, entry), 0o755);
}

async function makeTarball() {
  const name = `lacis-${version}-linux-${common}`;
  const root = emptied(join(options.out, "tree", name));
  await fillProgram(join(root, "lib"));
  mkdirSync(join(root, "bin"));
  symlinkSync("../lib/dist/src/cli/main.js", join(root, "bin/lacis"));
  symlinkSync("../lib/dist/certs/cli/main.js", join(root, "bin/lacis-cert"));
  fillDocumentation(join(root, "doc"));
  const made = join(options.out, `${name}.tar.gz`);
  run("tar", ["--owner=0", "--group=0", "--sort=name", "--mtime=@0", "-czf", made, "-C", dirname(root), name]);
  process.stdout.write(`${made}\n`);
}

async function makeDeb() {
  const root = emptied(join(options.out, "tree", "deb"));
  await fillProgram(join(root, "usr/lib/lacis"));
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  symlinkSync("../lib/lacis/dist/src/cli/main.js", join(root, "usr/bin/lacis"));
  symlinkSync("../lib/lacis/dist/certs/cli/main.js", join(root, "usr/bin/lacis-cert"));
  fillDocumentation(join(root, "usr/share/doc/lacis"));
  cpSync(join(PROJECT, "LICENSE"), join(root, "usr/share/doc/lacis/copyright"));
  mkdirSync(join(root, "lib/systemd/system"), { recursive: true });
  for (const unit of ["lacis.service", "lacis-dataplane.service", "lacis-authority.service"])
    cpSync(join(PROJECT, "examples", unit), join(root, "lib/systemd/system", unit));
  mkdirSync(join(root, "usr/share/polkit-1/rules.d"), { recursive: true });
  cpSync(join(PROJECT, "scripts/package/polkit.rules"), join(root, "usr/share/polkit-1/rules.d/lacis.rules"));
  mkdirSync(join(root, "etc/default"), { recursive: true });
  cpSync(join(PROJECT, "scripts/package/default"), join(root, "etc/default/lacis"));
  mkdirSync(join(root, "etc/lacis"), { mode: 0o750 });
  mkdirSync(join(root, "DEBIAN"));
  for (const script of ["postinst", "prerm", "postrm"]) {
    cpSync(join(PROJECT, "scripts/package", script), join(root, "DEBIAN", script));
    chmodSync(join(root, "DEBIAN", script), 0o755);
  }
  writeFileSync(join(root, "DEBIAN/conffiles"), "/etc/default/lacis\n");
  writeFileSync(join(root, "DEBIAN/control"), control(root));
  run("chmod", ["-R", "u=rwX,go=rX", root]);
  chmodSync(join(root, "etc/lacis"), 0o750);
  const made = join(options.out, `lacis_${version}_${debian}.deb`);
  run("dpkg-deb", ["--root-owner-group", "-Zgzip", "--build", root, made]);
  process.stdout.write(`${made}\n`);
}

function control(root) {
  const size = execFileSync("du", ["-sk", "--exclude=DEBIAN", root], { encoding: "utf8" }).split("\t")[0];
  return [
    "Package: lacis",
    `Version: ${version}`,
    `Architecture: ${debian}`,
    "Maintainer: The Lacis authors <lacis@localhost>",
    `Installed-Size: ${size}`,
    "Depends: nodejs (>= 20.19), libc6 (>= 2.34), passwd",
    "Section: net",
    "Priority: optional",
    "Description: encrypted overlay mesh that speaks Nebula's protocol",
    " Hosts find each other through lighthouses and build tunnels straight to each",
    " other. Identity comes from certificates, policy from their groups.",
    "",
  ].join("\n");
}

function fillDocumentation(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["README.md", "SECURITY.md", "CHANGELOG.md", "LICENSE"])
    cpSync(join(PROJECT, name), join(folder, name));
  for (const name of ["CLI.md", "CONFIG.md", "CERTS.md", "ENROLMENT.md", "COMPATIBILITY.md", "EVENTS.md"]) {
    cpSync(join(PROJECT, "docs", name), join(folder, name));
  }
  cpSync(join(PROJECT, "examples"), join(folder, "examples"), { recursive: true });
}

function emptied(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  } catch (error) {
    fail(`${command} ${args.join(" ")}: ${error instanceof Error ? error.message : error}`);
  }
}

function fail(why) {
  process.stderr.write(`package: ${why}\n`);
  process.exit(1);
}
