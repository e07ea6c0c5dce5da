import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { type Daemon, openNode } from "../../../../src/index.ts";
import { freePort, MeshFiles } from "../mesh-files.ts";
import { openSshKey } from "./ssh-identities.ts";

const me = openSshKey();
const stranger = openSshKey();
const hostKey = openSshKey();
let files: MeshFiles;
let port: number;
let at: number;
let config: string;
const daemons: Daemon[] = [];
const clients: (ssh2.Client | Socket)[] = [];

beforeEach(async () => {
  files = new MeshFiles();
  port = await freePort();
  at = await freePort();
  writeFileSync(join(files.folder, "host_key"), hostKey.private, { mode: 0o600 });
  mkdirSync(join(files.folder, "sandbox"), { mode: 0o700 });
  chmodSync(files.folder, 0o700);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const daemon of daemons.splice(0)) await daemon.stop();
  rmSync(files.folder, { recursive: true });
});

describe("the console", () => {
  test("answers commands, and says by its exit status whether it did what it was told", async () => {
    await open(sshd({}));
    expect(await run("version")).toEqual({ status: 0, text: "0.1.0\n" });
    expect(await run("device-info")).toEqual({ status: 0, text: "name= cidr=[10.77.0.2/24]\n" });
    expect(await run("nonsense")).toMatchObject({
      status: 1,
      text: expect.stringContaining("did not understand: nonsense"),
    });
    expect(await run("list-hostmap -zz")).toMatchObject({
      status: 1,
      text: expect.stringContaining("-zz\nUsage:\n  -by-index"),
    });
    expect(await run("help print-cert")).toMatchObject({
      status: 0,
      text: expect.stringMatching(/^print-cert - .*\n {2}-json\n/),
    });
    expect(await run("log-level loud")).toMatchObject({ status: 1 });
    expect(await run("log-format xml")).toMatchObject({ status: 1, text: expect.stringContaining("text, json") });
    expect(await run("mutex-profile-fraction 5")).toMatchObject({ status: 1 });
    expect(await run("")).toMatchObject({ status: 0, text: "" });
    expect(await run("x".repeat(5_000))).toEqual({ status: 1, text: "This line is too long\n" });
    expect(JSON.parse((await run("print-cert -json")).text)).toMatchObject({ details: { name: "laptop" } });
    expect((await run("print-cert -raw")).text).toContain("-----BEGIN NEBULA CERTIFICATE");
    expect(JSON.parse((await run("print-relays")).text)).toEqual({ Relays: null });
  });

  test("shows and changes tunnels", async () => {
    const other = await freePort();
    const there = files.host("there", "10.77.0.9", other, "lighthouse: { am_lighthouse: true }");
    daemons.push(await openNode({ config: there, stateDirectory: join(files.folder, "there.state") }));
    const known = `static_host_map: { "10.77.0.9": ["127.0.0.1:${other}"] }\nlighthouse: { hosts: ["10.77.0.9"] }\n`;
    const daemon = await open(known + sshd({}));
    await daemon.ping({ by: "address", address: "10.77.0.9" as IpAddress }, 5_000);
    expect(await run("list-hostmap")).toEqual({ status: 0, text: `[10.77.0.9]: [127.0.0.1:${other}]\n` });
    const tunnel = JSON.parse((await run("print-tunnel -pretty 10.77.0.9")).text);
    expect(tunnel).toMatchObject({
      vpnAddrs: ["10.77.0.9"],
      currentRemote: `127.0.0.1:${other}`,
      cert: { details: { name: "there" } },
    });
    expect(JSON.parse((await run("list-hostmap -json -by-index")).text)[0].localIndex).toBe(tunnel.localIndex);
    expect(await run("query-lighthouse 10.77.0.9")).toMatchObject({
      status: 0,
      text: expect.stringContaining("learned"),
    });
    expect(await run("query-lighthouse 10.77.0.8")).toEqual({ status: 1, text: "null\n" });
    expect(await run("create-tunnel 10.77.0.9")).toEqual({ status: 0, text: "Tunnel already exists\n" });
    expect(await run("create-tunnel 10.99.0.1")).toEqual({ status: 1, text: "10.99.0.1 is outside the overlay\n" });
    expect(await run("create-tunnel -address zz 10.77.0.8")).toEqual({
      status: 1,
      text: "Address could not be parsed\n",
    });
    expect(await run("create-tunnel -address 127.0.0.1:9 10.77.0.8")).toEqual({ status: 0, text: "Created\n" });
    expect(await run("list-pending-hostmap")).toMatchObject({ text: "[10.77.0.8]: [127.0.0.1:9]\n" });
    // Until the peer is heard from where it is, which may be at once.
    await vi.waitFor(async () => {
      expect(await run("change-remote -address 127.0.0.1:7 10.77.0.9")).toEqual({ status: 0, text: "Changed\n" });
      expect(JSON.parse((await run("print-tunnel 10.77.0.9")).text).currentRemote).toBe("127.0.0.1:7");
    });
    expect(await run("close-tunnel 10.77.0.7")).toEqual({
      status: 1,
      text: "Could not find tunnel for vpn addr: 10.77.0.7\n",
    });
    expect(await run("close-tunnel -local-only 10.77.0.9")).toEqual({ status: 0, text: "Closed\n" });
    expect((await run("print-tunnel 10.77.0.9")).status).toBe(1);
  });

  test("changes the log until the next reload, which it can order, and says why it was refused", async () => {
    await open(sshd({}));
    expect(await run("log-level debug")).toEqual({ status: 0, text: "Log level is: debug\n" });
    expect(await run("log-level")).toEqual({ status: 0, text: "Log level is: debug\n" });
    expect(await run("reload")).toEqual({ status: 0, text: "Reloading config\n" });
    expect(await run("log-level")).toEqual({ status: 0, text: "Log level is: error\n" });
    writeFileSync(config, "firewal: {}\n");
    expect(await run("reload")).toMatchObject({
      status: 1,
      text: expect.stringContaining(":1:1: firewal: unknown key"),
    });
  });

  test("writes profiles into its sandbox and nowhere else, whatever dots and links are in the way", async () => {
    await open(sshd({}));
    const sandbox = join(files.folder, "sandbox");
    expect(await run("save-heap-profile heap")).toEqual({ status: 0, text: "Mem profile created\n" });
    expect(JSON.parse(readFileSync(join(sandbox, "heap"), "utf8"))).toHaveProperty("head");
    expect((await run("start-cpu-profile cpu")).status).toBe(0);
    expect((await run("start-cpu-profile again")).status).toBe(1);
    expect((await run("stop-cpu-profile")).status).toBe(0);
    expect(JSON.parse(readFileSync(join(sandbox, "cpu"), "utf8"))).toHaveProperty("nodes");
    symlinkSync(files.folder, join(sandbox, "way-out"));
    symlinkSync(join(files.folder, "taken"), join(sandbox, "link"));
    for (const path of [
      "../taken",
      "/tmp/../taken",
      `${files.folder}/taken`,
      "way-out/taken",
      "link",
      ".",
      "a/../../taken",
    ])
      expect(await run(`save-heap-profile ${path}`)).toMatchObject({ status: 1 });
    expect(existsSync(join(files.folder, "taken"))).toBe(false);
    chmodSync(sandbox, 0o777);
    expect((await run("save-heap-profile heap")).text).toContain("not safe to write in");
    rmSync(sandbox, { recursive: true });
    expect((await run("save-heap-profile heap")).text).toContain("Unable to create profile file");
  });

  test("has a prompt that completes, and goes on after what it does not understand", async () => {
    await open(sshd({}));
    const client = await login();
    const heard = await new Promise<string>((resolve, reject) => {
      let text = "";
      client.shell((error, channel) => {
        if (error) reject(error);
        channel.on("data", (bytes: Buffer) => {
          text += bytes.toString();
        });
        channel.on("close", () => resolve(text));
        // One after the other, as fingers do: a tab in the midst of what is pasted completes nothing.
        const keys = ["nonsense", "\r", "device-i", "\t", "\r", "logout\r"];
        for (const [turn, key] of keys.entries()) setTimeout(() => channel.write(key), 50 * turn);
      });
    });
    expect(heard).toContain("me@lacis > ");
    expect(heard).toContain("did not understand: nonsense");
    expect(heard).toContain("name= cidr=[10.77.0.2/24]");
  });
});

describe("nobody gets in", () => {
  test("with another key, under another name, or with a password; who tries too often is cut off and named", async () => {
    const daemon = await open(sshd({}));
    const told: string[] = [];
    daemon.events.listen(({ code }) => told.push(code));
    await expect(login({ privateKey: stranger.private })).rejects.toThrow();
    await expect(login({ username: "you" })).rejects.toThrow();
    await expect(login({ authHandler: ["password"], password: "me" })).rejects.toThrow();
    const many = Array.from({ length: 8 }, () => openSshKey().private);
    let tried = 0;
    const authHandler = (_: unknown, __: unknown, next: (method: object | false) => void): void => {
      const key = many[tried++];
      next(key === undefined ? false : { type: "publickey", username: "me", key });
    };
    await expect(login({ authHandler } as ssh2.ConnectConfig)).rejects.toThrow();
    expect(tried).toBeLessThanOrEqual(6);
    expect(told).toContain("console-refused");
    expect(told).not.toContain("console-login");
  });

  test("once his key is gone, while whoever is in stays", async () => {
    const daemon = await open(sshd({}));
    const client = await login();
    reconfigure(sshd({ authorized_users: [] }));
    daemon.reload();
    await expect(login()).rejects.toThrow();
    expect(await run("version", client)).toMatchObject({ status: 0 });
    reconfigure("");
    daemon.reload();
    await expect(run("version", client)).rejects.toThrow();
  });
});

describe("a client that wants to do harm", () => {
  test("scenario 39: that is stalled, silent or speaks something else keeps nobody waiting, and stopping takes no time", async () => {
    const daemon = await open(sshd({}));
    for (const words of ["", "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", `SSH-2.0-x\r\n${"\0".repeat(100_000)}`]) {
      const socket = connect(at, "127.0.0.1");
      clients.push(socket);
      socket.on("error", () => {});
      socket.write(words);
    }
    const stalled = await login();
    socketOf(stalled).pause();
    stalled.exec("help", () => {});
    const begun = performance.now();
    expect(await run("version")).toMatchObject({ status: 0 });
    expect(performance.now() - begun).toBeLessThan(2_000);
    reconfigure(sshd({ listen: `127.0.0.1:${await freePort()}` }));
    daemon.reload();
    const stopping = performance.now();
    await daemons.pop()?.stop();
    expect(performance.now() - stopping).toBeLessThan(1_000);
  });

  test("takes no more places than there are, and those who are in go on", async () => {
    await open(sshd({}));
    const client = await login();
    const others = Array.from({ length: 20 }, () => connect(at, "127.0.0.1"));
    clients.push(...others);
    const refused = others.map(
      async (socket) => new Promise<number>((resolve) => socket.on("error", () => {}).on("close", () => resolve(1))),
    );
    await Promise.race(refused);
    expect(await run("version", client)).toMatchObject({ status: 0 });
  });

  test("gets no shell, no file, no port and no command of this machine", async () => {
    await open(sshd({}));
    const client = await login();
    expect((await run("sh -c id", client)).status).toBe(1);
    await expect(
      new Promise((resolve, reject) => client.sftp((error) => (error ? reject(error) : resolve(0)))),
    ).rejects.toThrow();
    await expect(
      new Promise((resolve, reject) =>
        client.forwardOut("127.0.0.1", 1, "127.0.0.1", 22, (error) => (error ? reject(error) : resolve(0))),
      ),
    ).rejects.toThrow();
    await expect(
      new Promise((resolve, reject) =>
        client.forwardIn("127.0.0.1", 0, (error) => (error ? reject(error) : resolve(0))),
      ),
    ).rejects.toThrow();
  });
});

test("a port that is taken is named, the host goes on, and a reload tries again", async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(at, "127.0.0.1", resolve));
  const daemon = await open(sshd({}));
  const health = (): readonly string[] =>
    daemon.services().flatMap(({ name, health: all }) => (name === "console" ? all.map(({ text }) => text) : []));
  expect(health()).toEqual([`the console cannot be served on 127.0.0.1:${at}: another program uses this port`]);
  await new Promise((resolve) => squatter.close(resolve));
  daemon.reload();
  await expect
    .poll(async () => (await run("version").catch(() => ({ status: -1 }))).status, { timeout: 5_000 })
    .toBe(0);
  expect(health()).toEqual([]);
});

describe("a key that does not parse is refused with its place, and the old state kept:", () => {
  test.each([
    [
      "a host key",
      () => writeFileSync(join(files.folder, "host_key"), "rubbish"),
      {},
      /sshd\.host_key: is not a private key that SSH knows/,
    ],
    [
      "a public host key",
      () => writeFileSync(join(files.folder, "host_key"), hostKey.public),
      {},
      /sshd\.host_key: is a public key/,
    ],
    [
      "a user's key",
      () => {},
      { authorized_users: [{ user: "me", keys: ["ssh-ed25519 AAAA"] }] },
      /authorized_users\[0\]\.keys\[0\]: is not a public key/,
    ],
    ["an authority", () => {}, { trusted_cas: ["ssh-dss AAAA"] }, /trusted_cas\[0\]: is no public key of a type/],
  ])("%s", async (_, spoil, change, why) => {
    const daemon = await open(sshd({}));
    spoil();
    reconfigure(sshd(change));
    expect(() => daemon.reload()).toThrow(/it has an error/);
    expect(daemon.refusedReload).toMatch(why);
    expect(await run("version")).toMatchObject({ status: 0 });
  });
});

function sshd(change: Record<string, unknown>): string {
  const values = {
    enabled: true,
    listen: `127.0.0.1:${at}`,
    host_key: join(files.folder, "host_key"),
    authorized_users: [{ user: "me", keys: [me.public] }],
    sandbox_dir: join(files.folder, "sandbox"),
    ...change,
  };
  return `sshd: ${JSON.stringify(values)}`;
}

async function open(more: string): Promise<Daemon> {
  config = files.host("laptop", "10.77.0.2", port, more);
  const daemon = await openNode({ config, stateDirectory: join(files.folder, "state") });
  daemons.push(daemon);
  return daemon;
}

function reconfigure(more: string): void {
  writeFileSync(config, files.configuration("laptop", port, more));
}

async function login(change: Partial<ssh2.ConnectConfig> = {}): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client
      .on("ready", resolve)
      .on("error", reject)
      .on("close", () => reject(new Error("closed")));
    client.connect({ host: "127.0.0.1", port: at, username: "me", privateKey: me.private, ...change });
  });
  return client;
}

async function run(line: string, client?: ssh2.Client): Promise<{ status: number; text: string }> {
  const connection = client ?? (await login());
  const result = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    connection.on("close", () => reject(new Error("closed")));
    connection.exec(line, (error, channel) => {
      if (error) {
        reject(error);
        return;
      }
      let text = "";
      let status = -1;
      channel.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
      channel.on("exit", (code: number) => {
        status = code;
      });
      channel.on("close", () => resolve({ status, text }));
    });
  });
  if (!client) connection.end();
  return result;
}

/** Under the client, which has no way to stop reading. */
function socketOf(client: ssh2.Client): Socket {
  return (client as unknown as { _sock: Socket })._sock;
}
