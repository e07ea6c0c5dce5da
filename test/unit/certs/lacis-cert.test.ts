import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Banner, encodePem } from "../../../src/core/cert/pem.ts";
import { ENCRYPTED_CA_KEY } from "../../vectors/appendix-a.ts";
import { hex, repeated } from "../../vectors/hex.ts";
import { lacisCert, must } from "./in-process.ts";

const home = process.cwd();
let directory = "";
beforeEach(() => enter(mkdtempSync(join(tmpdir(), "lacis-cert-"))));
afterEach(leave);

describe("a mesh is made", () => {
  test("with an authority, a key that stays on its host, a signature and a verdict", async () => {
    expect((await lacisCert("ca", "-name", "mesh")).status).toBe(0);
    expect((await lacisCert("keygen", "-out-key", "lap.key", "-out-pub", "lap.pub")).status).toBe(0);
    expect((await lacisCert("sign", "-name", "lap", "-networks", "10.77.1.2/16", "-in-pub", "lap.pub")).status).toBe(0);
    const verdict = await lacisCert("verify", "-ca", "ca.crt", "-crt", "lap.crt");
    expect(verdict).toMatchObject({ status: 0, stdout: '"lap" (version 2) is valid\n', stderr: "" });
    expect(readdirSync(directory).sort()).toEqual(["ca.crt", "ca.key", "lap.crt", "lap.key", "lap.pub"]);
  });

  test("in every spelling of nebula-cert's flags", async () => {
    await must("ca", "-name=mesh", "--ips=10.77.0.0/16", "-subnets", "192.168.0.0/16", "--groups", " a, b ,");
    await must(
      "sign",
      "--name",
      "-odd",
      "-ip",
      "10.77.1.2/16",
      "--subnets=192.168.7.0/24",
      "-out-crt=odd.crt",
      "-out-key",
      "odd.key",
    );
    const [ca] = await printed("ca.crt");
    expect(ca).toMatchObject({
      details: { groups: ["a", "b"], networks: ["10.77.0.0/16"], unsafeNetworks: ["192.168.0.0/16"] },
    });
    expect(await printed("odd.crt")).toMatchObject([{ details: { name: "-odd", unsafeNetworks: ["192.168.7.0/24"] } }]);
  });

  test("of either version and curve", async () => {
    for (const version of ["1", "2"]) {
      for (const curve of ["25519", "P256"]) {
        const files = ["-out-crt", `ca-${version}-${curve}.crt`, "-out-key", `ca-${version}-${curve}.key`];
        await must("ca", "-name", "mesh", "-version", version, "-curve", curve, ...files);
        const ca = ["-ca-crt", `ca-${version}-${curve}.crt`, "-ca-key", `ca-${version}-${curve}.key`];
        await must("sign", "-name", `h-${version}-${curve}`, "-networks", "10.77.1.2/16", ...ca);
        await must("verify", "-ca", `ca-${version}-${curve}.crt`, "-crt", `h-${version}-${curve}.crt`);
      }
    }
  });

  test("and says what it made, as JSON, when it is asked to", async () => {
    expect(JSON.parse(await must("ca", "-name", "mesh", "--json"))).toMatchObject({
      certificate: { details: { isCa: true, name: "mesh" } },
      files: { key: "ca.key", certificate: "ca.crt" },
    });
    expect(JSON.parse(await must("sign", "-name", "lap", "-networks", "10.77.1.2/16", "-json"))).toMatchObject({
      certificate: { details: { name: "lap" } },
      files: { key: "lap.key", certificate: "lap.crt" },
    });
    expect(JSON.parse(await must("keygen", "-out-key", "k", "-out-pub", "p", "--json"))).toMatchObject({
      files: { key: "k" },
    });
    expect(JSON.parse(await must("verify", "-ca", "ca.crt", "-crt", "lap.crt", "--json"))).toMatchObject([
      { valid: true },
    ]);
  });

  test("with a lifetime of a year, and of a second less for its hosts", async () => {
    await must("ca", "-name", "mesh");
    await must("sign", "-name", "lap", "-networks", "10.77.1.2/16");
    const [ca, host] = [...(await printed("ca.crt")), ...(await printed("lap.crt"))].map(({ details }) => ({
      from: Date.parse(details.notBefore),
      to: Date.parse(details.notAfter),
    }));
    expect(ca!.to - ca!.from).toBe(8760 * 3_600_000);
    expect(ca!.to - host!.to).toBe(1_000);
  });
});

describe("nothing is overwritten", () => {
  test.each([
    ["ca", ["ca", "-name", "mesh"], "ca.key"],
    ["ca", ["ca", "-name", "mesh"], "ca.crt"],
    ["sign", ["sign", "-name", "lap", "-networks", "10.77.1.2/16", "-ca-crt", "o.crt", "-ca-key", "o.key"], "lap.key"],
    ["sign", ["sign", "-name", "lap", "-networks", "10.77.1.2/16", "-ca-crt", "o.crt", "-ca-key", "o.key"], "lap.crt"],
    ["keygen", ["keygen", "-out-key", "a", "-out-pub", "b"], "a"],
    ["keygen", ["keygen", "-out-key", "a", "-out-pub", "b"], "b"],
  ])("by %s", async (_, args, file) => {
    await must("ca", "-name", "other", "-out-crt", "o.crt", "-out-key", "o.key");
    writeFileSync(join(directory, file), "precious");
    const before = readdirSync(directory).sort();
    const result = await lacisCert(...args);
    expect(result).toMatchObject({
      status: 1,
      stdout: "",
      stderr: `lacis-cert: ${file} - it exists and is never overwritten - move it away, or give another path\n`,
    });
    expect(readFileSync(join(directory, file), "utf8")).toBe("precious");
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  test("through a link, even one that leads nowhere", async () => {
    symlinkSync("elsewhere", join(directory, "ca.key"));
    expect((await lacisCert("ca", "-name", "mesh")).status).toBe(1);
    expect(existsSync(join(directory, "elsewhere"))).toBe(false);
  });
});

describe("what is asked for is refused in one line", () => {
  let prepared = "";
  beforeAll(async () => {
    prepared = enter(mkdtempSync(join(tmpdir(), "lacis-cert-refused-")));
    await must("ca", "-name", "mesh", "-groups", "servers", "-networks", "10.77.0.0/16", "-duration", "240h");
    await must("ca", "-name", "other", "-out-crt", "other.crt", "-out-key", "other.key");
    await must("sign", "-name", "lap", "-networks", "10.77.1.2/16");
    await must("keygen", "-out-key", "k", "-out-pub", "p");
    await must("keygen", "-curve", "P256", "-out-key", "k256", "-out-pub", "p256");
    writeFileSync(
      join(directory, "encrypted.key"),
      encodePem(Banner.ed25519EncryptedPrivateKey, hex(ENCRYPTED_CA_KEY.body)),
      { mode: 0o600 },
    );
    writeFileSync(join(directory, "torn.key"), encodePem(Banner.ed25519PrivateKey, repeated(1, 64)), { mode: 0o600 });
    writeFileSync(join(directory, "empty"), "");
    mkdirSync(join(directory, "folder"));
    process.chdir(home);
  });
  beforeEach(() => {
    leave();
    enter(prepared);
  });
  afterEach(() => {
    // The files are the same for every case; the last one's are removed below.
    process.chdir(home);
    directory = mkdtempSync(join(tmpdir(), "lacis-cert-"));
  });
  afterAll(() => rmSync(prepared, { recursive: true, force: true }));

  test.each<[string, string[], 1 | 2, RegExp]>([
    ["no command", [], 2, /no command was given/],
    ["an unknown command", ["frob"], 2, /no command "frob"/],
    ["a command of Object's", ["constructor"], 2, /no command "constructor"/],
    ["an unknown flag", ["print", "-path", "ca.crt", "-frob"], 2, /unknown option '-frob'/],
    ["a value that is missing", ["print", "-path"], 2, /argument missing/],
    ["a name that is missing", ["ca"], 2, /'--name <name>' not specified/],
    ["an argument too many", ["print", "-path", "ca.crt", "more"], 2, /too many arguments/],
    ["an address that is missing", ["sign", "-name", "x"], 2, /needs an address/],
    ["an address without a network", ["sign", "-name", "x", "-networks", "10.77.1.2"], 2, /prefix length/],
    ["an address with a hole", ["sign", "-name", "x", "-networks", "10.77.1.300/16"], 2, /prefix length/],
    ["a host for a network", ["ca", "-name", "x", "-networks", "10.77.1.2/16"], 2, /write 10\.77\.0\.0\/16/],
    [
      "a host for a routed network",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-unsafe-networks", "192.168.1.1/24"],
      2,
      /is a host in a network, not a network - write 192\.168\.1\.0\/24/,
    ],
    ["a duration without a unit", ["ca", "-name", "x", "-duration", "3600"], 2, /not a duration/],
    ["a duration of nothing", ["ca", "-name", "x", "-duration", "0h"], 2, /less than a second/],
    ["a version that does not exist", ["ca", "-name", "x", "-version", "3"], 2, /no version "3"/],
    ["a curve that does not exist", ["ca", "-name", "x", "-curve", "ed448"], 2, /not a curve/],
    [
      "a key to read and one to write",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-in-pub", "p", "-out-key", "y"],
      2,
      /no private key to write/,
    ],
    ["one stream for two files", ["ca", "-name", "x", "-out-key", "-", "-out-crt", "-"], 2, /only one of them/],
    ["a name that is a path", ["sign", "-name", "../x", "-networks", "10.77.1.3/16"], 2, /cannot be a file's/],
    [
      "a group that the CA does not have",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-groups", "admins"],
      1,
      /group "admins"/,
    ],
    [
      "an address outside the CA's networks",
      ["sign", "-name", "x", "-networks", "10.78.1.3/16"],
      1,
      /network 10.78.1.3\/16/,
    ],
    [
      "a life beyond the CA's",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-duration", "241h"],
      1,
      /expires after its CA/,
    ],
    [
      "two addresses in version 1",
      ["sign", "-name", "x", "-version", "1", "-networks", "10.77.1.3/16,10.77.1.4/16"],
      1,
      /single IPv4 address/,
    ],
    ["IPv6 in version 1", ["sign", "-name", "x", "-version", "1", "-networks", "fd00::1/64"], 1, /IPv6/],
    ["the same address twice", ["sign", "-name", "x", "-networks", "10.77.1.3/16,10.77.1.3/16"], 1, /twice/],
    [
      "a key of another CA",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-ca-key", "other.key"],
      1,
      /not the key of ca.crt/,
    ],
    [
      "a host's key as the CA's",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-ca-key", "k"],
      1,
      /not a CA's private key/,
    ],
    [
      "a host as the CA",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-ca-crt", "lap.crt"],
      1,
      /a host's certificate, not a CA's/,
    ],
    [
      "key and certificate exchanged",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-ca-crt", "ca.key", "-ca-key", "ca.crt"],
      1,
      /not a certificate/,
    ],
    [
      "a private key to be signed",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-in-pub", "k"],
      1,
      /not a host's public key/,
    ],
    [
      "a key of another curve to be signed",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-in-pub", "p256"],
      1,
      /of curve P256/,
    ],
    [
      "an encrypted CA key",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-ca-key", "encrypted.key"],
      1,
      /passphrase is not known/,
    ],
    [
      "a CA key whose halves do not fit",
      ["sign", "-name", "x", "-networks", "10.77.1.3/16", "-ca-key", "torn.key"],
      1,
      /two halves/,
    ],
    ["a key in the place of a certificate", ["print", "-path", "ca.key"], 1, /ED25519 PRIVATE KEY, not a certificate/],
    ["an empty file", ["print", "-path", "empty"], 1, /BEGIN/],
    ["a file that is not there", ["print", "-path", "nowhere"], 1, /no such file/],
    ["a directory", ["print", "-path", "folder"], 1, /is a directory/],
    ["a device that never ends", ["print", "-path", "/dev/zero"], 1, /larger than any certificate file/],
    [
      "a directory that is not there, to write to",
      ["ca", "-name", "x", "-out-crt", "no/x.crt", "-out-key", "x.key"],
      1,
      /no such directory/,
    ],
    ["a host among the trusted CAs", ["verify", "-ca", "lap.crt", "-crt", "lap.crt"], 1, /is not a CA/],
    ["the wrong CA", ["verify", "-ca", "other.crt", "-crt", "lap.crt"], 1, /not trusted here/],
    ["a CA to be judged as a host", ["verify", "-ca", "ca.crt", "-crt", "ca.crt"], 1, /a CA's, not a host's/],
    [
      "an encrypted key without a passphrase",
      ["ca", "-name", "x", "-encrypt", "-out-key", "y", "-out-crt", "z"],
      1,
      /passphrase is not known/,
    ],
    ["a passphrase for a key in clear", ["ca", "-name", "x", "-passphrase-file", "p"], 2, /would be written in clear/],
    ["a cost for a key in clear", ["ca", "-name", "x", "-argon-memory", "64"], 2, /would be written in clear/],
    ["a cost that is no number", ["ca", "-name", "x", "-encrypt", "-argon-iterations", "many"], 2, /not a number/],
    ["a key in a token", ["ca", "-name", "x", "-pkcs11", "pkcs11:x"], 1, /not supported yet/],
  ])("%s", async (_, args, status, reason) => {
    const before = readdirSync(directory).sort();
    const result = await lacisCert(...args);
    expect(result.stderr).toMatch(reason);
    expect(result).toMatchObject({ status, stdout: "" });
    // What, why and what to do; nothing else, nothing written, and no key in it.
    expect(result.stderr).toMatch(/^lacis-cert: [^\n]+ - [^\n]+ - [^\n]+\n$/);
    expect(readdirSync(directory).sort()).toEqual(before);
    expect(result.stderr).not.toContain(readFileSync(join(directory, "ca.key"), "utf8").split("\n")[1]);
  });
});

test("a CA key that others could read is closed to them, and that is said", async () => {
  await must("ca", "-name", "mesh");
  chmodSync(join(directory, "ca.key"), 0o644);
  const result = await lacisCert("sign", "-name", "lap", "-networks", "10.77.1.2/16");
  expect(result).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(
      /^lacis-cert: ca\.key - others could read it \(mode 644\) - its mode is 600 now\nlacis-cert: made "lap" /,
    ),
  });
  expect(modeOf("ca.key")).toBe("600");
});

test("every certificate of a file is judged, and one bad one is enough", async () => {
  await must("ca", "-name", "mesh");
  await must("sign", "-name", "good", "-networks", "10.77.1.2/16");
  await must("sign", "-name", "good1", "-version", "1", "-networks", "10.77.1.2/16");
  const bundle = ["good.crt", "good1.crt", "ca.crt"]
    .map((file) => readFileSync(join(directory, file), "utf8"))
    .join("");
  writeFileSync(join(directory, "bundle.crt"), bundle);
  const result = await lacisCert("verify", "-ca", "ca.crt", "-crt", "bundle.crt", "-json");
  expect(result.status).toBe(1);
  expect(JSON.parse(result.stdout)).toMatchObject([
    { name: "good", version: 2, valid: true, code: null },
    { name: "good1", version: 1, valid: true },
    { name: "mesh", valid: false, code: "is-ca" },
  ]);
});

test("help and version end well, for the tool and for each command", async () => {
  for (const args of [["--help"], ["-h"], ["-help"], ["ca", "-h"], ["sign", "--help"], ["-version"], ["--version"]]) {
    const result = await lacisCert(...args);
    expect(result, args.join(" ")).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toContain("lacis-cert");
  }
});

interface Printed {
  readonly details: { readonly name: string; readonly notBefore: string; readonly notAfter: string };
}

async function printed(file: string): Promise<Printed[]> {
  return JSON.parse(await must("print", "-path", file, "-json"));
}

function enter(path: string): string {
  directory = path;
  process.chdir(path);
  return path;
}

function leave(): void {
  process.chdir(home);
  rmSync(directory, { recursive: true, force: true });
}

function modeOf(file: string): string {
  return (statSync(join(directory, file)).mode & 0o777).toString(8);
}
