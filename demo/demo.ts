import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../test/netns/lab/command.ts";
import type { FirewallRule, HostConfig } from "../test/netns/lab/host-config.ts";
import { LACIS } from "../test/netns/lab/implementation.ts";
import { findLeftovers } from "../test/netns/lab/leftovers.ts";
import { MeshHost } from "../test/netns/lab/mesh.ts";
import { TestNetwork } from "../test/netns/lab/network.ts";
import { Story } from "./story.ts";

/** The demo: a lighthouse, a server and a laptop, each in a network namespace, become a mesh and exchange real packets. */

const FILE_BYTES = 32 << 20;
const CERTIFICATES = "/run/lab/certificates";
const HOSTS: readonly Person[] = [
  { name: "lighthouse", number: 1, groups: "" },
  { name: "server", number: 2, groups: "servers" },
  { name: "laptop", number: 3, groups: "laptops" },
];
/** The server lets laptops fetch files and everybody ping; nothing else comes in. */
const SERVER_RULES: readonly FirewallRule[] = [
  { port: "any", proto: "icmp", host: "any" },
  { port: "8080", proto: "tcp", group: "laptops" },
];

/** Of curl(1): refused, and not timed out. */
const CURL_CANNOT_CONNECT = 7;

interface Person {
  readonly name: string;
  readonly number: number;
  readonly groups: string;
}

const story = new Story();
const network = await TestNetwork.open("demo");
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(signal, () => void interrupted(status));
}
let interrupting = false;
try {
  await tell();
} catch (error) {
  if (!interrupting) await failed(error);
}

async function tell(): Promise<void> {
  story.begin("Three machines that share nothing but a cable");
  const hosts = await buildMachines();
  story.begin("An authority, and a certificate for each machine");
  await issueCertificates();
  story.begin("Three daemons");
  const [, server, laptop] = await startDaemons(hosts);
  story.begin("The laptop asks the lighthouse where the server is, and builds a tunnel");
  await type(
    laptop,
    `lacis ping ${server.overlay4}`,
    LACIS.cli("ping", "--config", laptop.configPath, server.overlay4),
  );
  story.begin("A file over TCP, through the kernel's own stack");
  await transferFile(server, laptop);
  story.begin("What the laptop knows");
  await type(laptop, "lacis status", LACIS.cli("status", "--config", laptop.configPath));
  story.begin("A port that no rule allows");
  await tryDeniedPort(server, laptop);
  story.begin("Everything stops, and nothing stays");
  await stopEverything(hosts);
  story.end("The demo is complete");
}

async function buildMachines(): Promise<MeshHost[]> {
  mkdirSync(CERTIFICATES, { recursive: true });
  const hosts: MeshHost[] = [];
  for (const person of HOSTS) {
    const underlay = `192.0.2.${person.number}`;
    const machine = await network.machine(person.name, [`${underlay}/24`]);
    const config: HostConfig = {
      directory: machine.directory,
      cipher: "aes",
      lighthouse: person.number === 1 ? "self" : { overlay: "10.77.0.1", underlay: "192.0.2.1:4242" },
      tun: person.number !== 1,
      ...(person.name === "server" ? { inbound: SERVER_RULES, more: { firewall: { inbound_action: "reject" } } } : {}),
    };
    const host = new MeshHost(machine, LACIS, config, { v4: `10.77.0.${person.number}`, v6: undefined });
    await host.configure();
    hosts.push(host);
    story.remark(
      `${person.name.padEnd(10)}  ${underlay}  a network namespace; in the mesh it will be ${host.overlay4}`,
    );
  }
  return hosts;
}

async function issueCertificates(): Promise<void> {
  await certificateTool("ca", "-name", "Demo");
  for (const person of HOSTS) {
    const groups = person.groups === "" ? [] : ["-groups", person.groups];
    await certificateTool("sign", "-name", person.name, "-networks", `10.77.0.${person.number}/24`, ...groups);
    const directory = join("/run/lab/demo", person.name);
    cpSync(join(CERTIFICATES, "ca.crt"), join(directory, "ca.crt"));
    cpSync(join(CERTIFICATES, `${person.name}.crt`), join(directory, "host.crt"));
    cpSync(join(CERTIFICATES, `${person.name}.key`), join(directory, "host.key"));
  }
}

async function certificateTool(...args: readonly string[]): Promise<void> {
  story.typed(undefined, `lacis-cert ${args.join(" ")}`);
  const [program, ...all] = LACIS.cert(...args);
  await must(program, all, { directory: CERTIFICATES });
}

async function startDaemons(hosts: readonly MeshHost[]): Promise<[MeshHost, MeshHost, MeshHost]> {
  for (const host of hosts) story.typed(host.name, "lacis run --config config.yml &");
  await Promise.all(hosts.map((host) => host.start()));
  story.proved("three daemons run; the lighthouse needs no device, the others have mesh0");
  return hosts as [MeshHost, MeshHost, MeshHost];
}

async function transferFile(server: MeshHost, laptop: MeshHost): Promise<void> {
  const content = randomBytes(FILE_BYTES);
  writeFileSync(join(server.machine.directory, "file"), content);
  const program = join(dirname(fileURLToPath(import.meta.url)), "file-server.js");
  const args = [program, server.overlay4, "8080", join(server.machine.directory, "file")];
  const serving = server.machine.start("file-server", process.execPath, args);
  await serving.becomes("it listens", () => server.machine.hasTcpListener(8080));
  const url = `http://${server.overlay4}:8080/file`;
  story.typed("laptop", `curl ${url} -o file`);
  const target = join(laptop.machine.directory, "file");
  const startedAt = performance.now();
  await laptop.machine.must("curl", [
    "--silent",
    "--show-error",
    "--fail",
    "--max-time",
    "30",
    "--output",
    target,
    url,
  ]);
  const seconds = (performance.now() - startedAt) / 1000;
  const [sent, received] = [sha256(content), sha256(readFileSync(target))];
  if (sent !== received) throw new Error(`the file arrived changed: ${sent} was sent, ${received} received`);
  const rate = ((FILE_BYTES * 8) / seconds / 1e6).toFixed(0);
  story.proved(
    `${FILE_BYTES >> 20} MiB in ${seconds.toFixed(2)} s (${rate} Mbit/s), SHA-256 ${received.slice(0, 16)}... on both sides`,
  );
}

async function tryDeniedPort(server: MeshHost, laptop: MeshHost): Promise<void> {
  story.remark("The server's rules let laptops reach TCP 8080 and everybody ping. Something listens on 9090, too:");
  const program = join(dirname(fileURLToPath(import.meta.url)), "file-server.js");
  const args = [program, server.overlay4, "9090", join(server.machine.directory, "file")];
  const serving = server.machine.start("other-server", process.execPath, args);
  await serving.becomes("it listens", () => server.machine.hasTcpListener(9090));
  const url = `http://${server.overlay4}:9090/`;
  story.typed("laptop", `curl ${url}`);
  const startedAt = performance.now();
  const tried = await laptop.machine.run("curl", ["--silent", "--show-error", "--connect-timeout", "5", url]);
  const ms = Math.round(performance.now() - startedAt);
  story.answered(tried.stderr || tried.stdout);
  if (tried.status === 0) throw new Error("port 9090 answered although no rule allows it");
  if (tried.status !== CURL_CANNOT_CONNECT || ms > 1_000) throw new Error("port 9090 is not refused at once");
  const asked = LACIS.cli("why", "server", "tcp/9090", "--config", laptop.configPath);
  story.typed("laptop", "lacis why server tcp/9090");
  const why = await laptop.machine.run(...commandLine(asked));
  story.answered(why.stdout);
  if (why.status !== 1 || !why.stdout.includes("denied")) throw new Error("lacis why does not say that it is denied");
  story.proved(
    `refused after ${ms} ms, and explained by the server itself: the rule that is closest, and what is missing`,
  );
}

async function stopEverything(hosts: readonly MeshHost[]): Promise<void> {
  const exits = await Promise.all(hosts.map((host) => host.stop()));
  for (const [index, exit] of exits.entries()) {
    const host = hosts[index] as MeshHost;
    if (exit.code !== 0) throw new Error(`${host.name} ended with ${exit.code ?? exit.signal} on SIGTERM, not with 0`);
    const devices = await host.machine.devices();
    if (devices.length > 0) throw new Error(`${host.name} left the device ${devices.join(", ")}`);
  }
  story.proved("SIGTERM: three times exit status 0, both TUN devices are gone");
  await removeEverything();
  const leftovers = await findLeftovers();
  if (leftovers.length > 0) throw new Error(`left behind: ${leftovers.join("; ")}`);
  story.proved("no namespace, device, process or file is left");
}

/** Runs a command on a host's machine and shows both what is typed and what is answered. */
async function type(host: MeshHost, shown: string, command: [string, ...string[]]): Promise<void> {
  story.typed(host.name, shown);
  story.answered(await host.machine.must(...commandLine(command)));
}

function commandLine([program, ...args]: [string, ...string[]]): [string, string[]] {
  return [program, args];
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function removeEverything(): Promise<void> {
  await network.close();
  await must("rm", ["-rf", CERTIFICATES]);
}

async function interrupted(status: number): Promise<void> {
  if (interrupting) return;
  interrupting = true;
  story.end("Interrupted: removing everything");
  await removeEverything().catch(() => {}); // What is half made goes away with the lab.
  process.exit(status);
}

/** Says what failed and saves the daemons' logs, which would otherwise go away with the lab. */
async function failed(error: unknown): Promise<void> {
  story.failed(error instanceof Error ? error.message : String(error));
  const saved = mkdtempSync(join(tmpdir(), "lacis-demo-"));
  for (const person of HOSTS) {
    const directory = join(network.directory, person.name);
    if (!existsSync(directory)) continue;
    for (const file of readdirSync(directory)) {
      if (/\.(log|yml)$/.test(file)) cpSync(join(directory, file), join(saved, `${person.name}-${basename(file)}`));
    }
  }
  story.remark(`Logs and configurations: ${saved}`);
  await removeEverything();
  process.exitCode = 1;
}
