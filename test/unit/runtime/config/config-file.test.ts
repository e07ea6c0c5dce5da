import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { formatConfigError } from "../../../../src/core/config/document/config-error.ts";
import { checkConfig, loadSettings } from "../../../../src/runtime/config/config-file.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { fittingPems, keyPem, NOW } from "../../core/config/test-pki.ts";

const env = { suite: nodeSuite, wall: NOW };
const pems = fittingPems();
const PKI = "pki: {ca: ca.crt, cert: host.crt, key: host.key}\n";
const REST = `static_host_map: {"10.77.0.1": ["192.0.2.1:4242"]}
lighthouse: {hosts: [10.77.0.1]}
firewall: {outbound: [{port: any, proto: any, host: any}], inbound: [{proto: icmp, host: any}]}
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-config-"));
  write("ca.crt", pems["pki.ca"]);
  write("host.crt", pems["pki.cert"]);
  write("host.key", pems["pki.key"]);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file, for its owner only, and gives its path. */
function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function errorsOf(path: string): readonly string[] {
  return checkConfig(path, env).errors.map((error) => formatConfigError(error).replaceAll(folder, "~"));
}

describe("a configuration file", () => {
  test("is loaded with the files that it names", () => {
    const path = write("host.yml", PKI + REST);
    const loaded = loadSettings(path, env);
    expect(loaded.ok && loaded.value).toMatchObject({
      settings: { live: { identity: { credential: { name: "laptop" } } } },
      logging: { level: "info" },
      warnings: [],
      files: [path, join(folder, "ca.crt"), join(folder, "host.crt"), join(folder, "host.key")],
    });
  });

  test("that everybody can write is doubtful, and so are authorities like that", () => {
    const path = write("open/host.yml", PKI.replaceAll(/(host)\./g, "../$1.") + REST);
    const ca = write("open/ca.crt", pems["pki.ca"]);
    chmodSync(path, 0o666);
    chmodSync(ca, 0o602);
    const { errors, warnings } = checkConfig(path, env);
    expect(errors).toEqual([]);
    expect(warnings.map((warning) => formatConfigError(warning).replaceAll(folder, "~"))).toEqual([
      "~/open/ca.crt:1:1: can be written by everybody on this machine (mode 0602) - run: chmod o-w ~/open/ca.crt",
      "~/open/host.yml:1:1: can be written by everybody on this machine (mode 0666) - run: chmod o-w ~/open/host.yml",
    ]);
  });

  test("finds its files from its own directory, not from the working directory", () => {
    const path = write("etc/host.yml", PKI.replaceAll(/(ca|host)\./g, "../$1.") + REST);
    expect(errorsOf(path)).toEqual([]);
  });

  test("may hold certificates and key itself", () => {
    const inline = Object.entries({ ca: pems["pki.ca"], cert: pems["pki.cert"], key: pems["pki.key"] }).map(
      ([key, pem]) => `  ${key}: |\n    ${pem.trimEnd().replaceAll("\n", "\n    ")}\n`,
    );
    const check = checkConfig(write("inline.yml", `pki:\n${inline.join("")}${REST}`), env);
    expect(check.errors).toEqual([]);
    expect(inspect(check, { depth: 12, showHidden: true })).not.toContain(pems["pki.key"].split("\n")[1]);
  });

  test("may have any name and be a symbolic link", () => {
    const target = write("deep/config.conf", PKI.replaceAll(/(ca|host)\./g, `${folder}/$1.`) + REST);
    symlinkSync(target, join(folder, "link"));
    expect(errorsOf(join(folder, "link"))).toEqual([]);
  });

  test("tells what is in force and where it comes from", () => {
    const { effective } = checkConfig(write("effective.yml", `${PKI}${REST}listen: {port: 4242}\n`), env);
    expect(effective.find(({ path }) => path === "listen.port")).toMatchObject({ value: 4242, origin: { line: 5 } });
    expect(effective.find(({ path }) => path === "tun.mtu")).toEqual({
      path: "tun.mtu",
      value: 1300,
      origin: undefined,
    });
  });
});

describe("a configuration directory", () => {
  test("is read with everything below it, in the order of names", () => {
    write("conf.d/10-pki.yml", PKI.replaceAll(/(ca|host)\./g, "../$1.") + REST);
    write("conf.d/20-port/a.yaml", "listen: {port: 1}\n");
    write("conf.d/30-port.yml", "listen: {port: 2}\n");
    write("conf.d/.30-port.yml.swp", "not: [yaml");
    write("conf.d/.hidden.yml", "not: [yaml");
    write("conf.d/readme.txt", "not: [yaml");
    const loaded = loadSettings(join(folder, "conf.d"), env);
    expect(loaded.ok && loaded.value.settings.boot.listen.port).toBe(2);
    expect(loaded.ok && loaded.value.files.slice(0, 3)).toEqual(
      ["10-pki.yml", "20-port/a.yaml", "30-port.yml"].map((name) => join(folder, "conf.d", name)),
    );
  });

  test("may hold links in circles", () => {
    write("circle.d/a.yml", PKI.replaceAll(/(ca|host)\./g, "../$1.") + REST);
    symlinkSync(".", join(folder, "circle.d", "here"));
    expect(errorsOf(join(folder, "circle.d"))).toEqual([]);
  });

  test("names the entry that cannot be read", () => {
    write("dangling.d/a.yml", PKI);
    symlinkSync("nowhere.yml", join(folder, "dangling.d", "b.yml"));
    expect(errorsOf(join(folder, "dangling.d"))).toEqual(["~/dangling.d/b.yml does not exist - check the path"]);
  });

  test("reports the faults of all its files at once", () => {
    write("bad.d/a.yml", "a: [\n");
    write("bad.d/b.yml", "\tb: 1\n");
    expect(errorsOf(join(folder, "bad.d")).map((line) => line.slice(0, 13))).toEqual([
      "~/bad.d/a.yml",
      "~/bad.d/b.yml",
    ]);
  });

  test("is refused when it holds no configuration", () => {
    mkdirSync(join(folder, "empty.d"));
    expect(errorsOf(join(folder, "empty.d"))).toEqual([
      "~/empty.d holds no *.yml or *.yaml file - name another file or directory",
    ]);
  });
});

describe("a file is refused", () => {
  test("when it does not exist", () => {
    expect(errorsOf(join(folder, "nowhere.yml"))).toEqual(["~/nowhere.yml does not exist - check the path"]);
  });

  test("when it is larger than 1 MiB, without reading the rest", () => {
    const path = write("large.yml", `${PKI}${REST}#${"x".repeat(5_000_000)}\n`);
    expect(errorsOf(path)).toEqual(["~/large.yml is larger than 1 MiB - is it the right file?"]);
  });

  test("when it is a pipe or a device, without waiting for what comes out of it", () => {
    const pipe = join(folder, "pipe.yml");
    execFileSync("mkfifo", [pipe]);
    expect(errorsOf(pipe)).toEqual(["~/pipe.yml is a pipe or a device - give the path of a file"]);
    expect(errorsOf("/dev/zero")).toEqual(["/dev/zero is a pipe or a device - give the path of a file"]);
  });

  test.each([
    ["with", "\uFEFF"],
    ["without", ""],
  ])("unless it is UTF-16 %s a byte order mark", (_, mark) => {
    const little = Buffer.from(`${mark}${PKI}${REST}`, "utf16le");
    const big = Buffer.from(little).swap16();
    expect(errorsOf(write("little.yml", little))).toEqual([]);
    expect(errorsOf(write("big.yml", big))).toEqual([]);
  });

  test("when it is not UTF-8, with the line", () => {
    const path = write("latin1.yml", Uint8Array.from([...new TextEncoder().encode("a: 1\nb: "), 0xe9, 0x0a]));
    expect(errorsOf(path)).toEqual(["~/latin1.yml:2:1: ~/latin1.yml is not UTF-8 text"]);
  });

  test.each([
    ["empty", ""],
    ["null", "null"],
    ["a list", "- pki"],
    ["one value", "pki"],
  ])("when it is %s, in a sentence", (name, text) => {
    const [error, ...more] = errorsOf(write(`shape-${name.replace(" ", "-")}.yml`, text));
    expect(error).toMatch(
      /^~\/shape-[a-z-]+\.yml:1:1: the file holds .+ - write sections and keys, beginning with pki:$/,
    );
    expect(more).toEqual([]);
  });
});

describe("a named file is refused", () => {
  test("when it is missing, once, at the key that names it", () => {
    const path = write("missing.yml", PKI.replace("host.crt", "nowhere.crt") + REST);
    expect(errorsOf(path)).toEqual(["~/missing.yml:1:25: pki.cert: ~/nowhere.crt does not exist - check the path"]);
  });

  test("when it only stands in the working directory, which is said", () => {
    const path = write("cwd.yml", PKI.replace("ca.crt", "package.json") + REST);
    expect(errorsOf(path)).toEqual([
      `~/cwd.yml:1:11: pki.ca: ~/package.json does not exist - there is one in the working directory, but paths start at the configuration file: write ${process.cwd()}/package.json`,
    ]);
  });

  test("when it is a directory", () => {
    mkdirSync(join(folder, "pki.d"));
    expect(errorsOf(write("directory.yml", PKI.replace("ca.crt", "pki.d") + REST))).toEqual([
      "~/directory.yml:1:11: pki.ca: ~/pki.d is a directory",
    ]);
  });

  test.each([0o644, 0o640, 0o602])(
    "when it is a key that others may use (mode %o), with the command that helps",
    (mode) => {
      const key = write("open.key", keyPem());
      chmodSync(key, mode);
      chmodSync(folder, 0o755);
      expect(errorsOf(write("open.yml", PKI.replace("host.key", "open.key") + REST))).toEqual([
        `~/open.yml:1:40: pki.key: ~/open.key can be read or written by other users (mode 0${mode.toString(8)}) - run: chmod 600 ~/open.key`,
      ]);
    },
  );

  test("when the configuration that holds the key can be read by others, or one of several does", () => {
    const inline = `pki:\n  ca: ca.crt\n  cert: host.crt\n  key: |\n${keyPem().replaceAll(/^(?=.)/gm, "    ")}`;
    const path = write("inline.yml", inline + REST);
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
    const error = "can be read or written by other users (mode 0644) - run: chmod 600";
    expect(errorsOf(path)).toEqual([
      `~/inline.yml:4:8: pki.key: ~/inline.yml, in which this key stands, ${error} ~/inline.yml`,
    ]);
    mkdirSync(join(folder, "keyed.d"));
    chmodSync(join(folder, "keyed.d"), 0o755);
    chmodSync(write("keyed.d/a.yml", REST), 0o644);
    const keyed = write("keyed.d/b.yml", inline.replace("ca.crt", "../ca.crt").replace("host.crt", "../host.crt"));
    expect(errorsOf(join(folder, "keyed.d"))).toEqual([]);
    chmodSync(keyed, 0o644);
    expect(errorsOf(join(folder, "keyed.d"))).toEqual([
      expect.stringContaining("~/keyed.d/b.yml, in which this key stands"),
    ]);
  });

  test.each([0o500, 0o700])(
    "but not when no other user can come to the key, because its folder is closed (mode %o)",
    (mode) => {
      const closed = join(folder, `closed-${mode}`);
      const key = write(`closed-${mode}/deep/host.key`, keyPem());
      chmodSync(key, 0o440);
      chmodSync(closed, mode);
      expect(errorsOf(write("closed.yml", PKI.replace("host.key", key) + REST))).toEqual([]);
      chmodSync(closed, 0o711);
      expect(errorsOf(write("closed.yml", PKI.replace("host.key", key) + REST))).toHaveLength(1);
      const link = join(folder, `link-${mode}.key`);
      symlinkSync(key, link);
      expect(errorsOf(write("linked.yml", PKI.replace("host.key", link) + REST))).toHaveLength(1);
      chmodSync(closed, mode);
      expect(errorsOf(write("linked.yml", PKI.replace("host.key", link) + REST))).toEqual([]);
      chmodSync(closed, 0o700);
    },
  );

  test("nor when systemd hands it to this service alone, where an access list shows as bits of the group", () => {
    const credentials = join(folder, "credentials");
    const key = write("credentials/host.key", keyPem());
    chmodSync(key, 0o440);
    chmodSync(credentials, 0o550);
    const path = write("credential.yml", PKI.replace("host.key", key) + REST);
    expect(errorsOf(path)).toHaveLength(1);
    vi.stubEnv("CREDENTIALS_DIRECTORY", credentials);
    expect(errorsOf(path)).toEqual([]);
    chmodSync(key, 0o444);
    chmodSync(credentials, 0o755);
    expect(errorsOf(path)).toHaveLength(1);
    vi.unstubAllEnvs();
  });

  test("when it is a pasted key without its BEGIN line, which is not repeated", () => {
    const pasted = keyPem().split("\n")[1] ?? "";
    const errors = errorsOf(write("pasted.yml", PKI.replace("host.key", pasted) + REST));
    expect(errors).toEqual([
      "~/pasted.yml:1:40: pki.key: neither a file nor PEM text - give the path of a file, or the PEM text with its BEGIN and END lines",
    ]);
  });

  test("together with everything else that is wrong", () => {
    const path = write(
      "all.yml",
      `${PKI.replace("host.crt", "nowhere.crt").replace("ca.crt", "host.crt")}${REST}wibble: 1\n`,
    );
    expect(errorsOf(path)).toEqual([
      '~/all.yml:1:11: pki.ca: the certificate "laptop" is not a CA - give the authority\'s certificate, which lacis-cert ca writes (ca.crt)',
      "~/all.yml:1:27: pki.cert: ~/nowhere.crt does not exist - check the path",
      "~/all.yml:5:1: wibble: unknown key",
    ]);
  });
});

test("any bytes are accepted or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { config, errors } = checkConfig(write("bytes.yml", bytes), env);
      return (config === undefined) === errors.length > 0;
    }),
    { numRuns: 200, seed: 4 },
  );
});

test.each(["host", "lighthouse"])("the example of a %s is sound once its files are there", (name) => {
  const example = readFileSync(`examples/${name}.yml`, "utf8");
  const path = write(`example-${name}.yml`, example.replaceAll(/: (?:laptop|lighthouse)\.(crt|key)$/gm, ": host.$1"));
  const { errors, warnings } = checkConfig(path, env);
  expect([...errors, ...warnings].map(formatConfigError)).toEqual([]);
});
