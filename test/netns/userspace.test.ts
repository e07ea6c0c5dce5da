import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { PrivateRoot } from "./lab/private-root.ts";

/** Nobody in particular: no privilege, and no file of the system is theirs. */
const USER = "65534";
const HOME = "/tmp/home";
const WEB_PORT = 8080;
const DENIED_PORT = 8081;
/** Says half of something, and then resets. */
const BREAKING_PORT = 8082;
/** Of the file that is fetched whole. */
const MEGABYTES = 16;

/** Serves so many zeros, and greets whoever sends a line. */
const WEB = `
  const server = require("node:http").createServer((request, response) => {
    if (request.url === "/large") return response.end(Buffer.alloc(${MEGABYTES} << 20));
    response.end("hello from the mesh\\n");
  });
  server.listen(${WEB_PORT}, "::");
  require("node:net").createServer((socket) => socket.end("denied?")).listen(${DENIED_PORT}, "::");
  require("node:net").createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.write("half of", () => setTimeout(() => socket.resetAndDestroy(), 500));
  }).listen(${BREAKING_PORT}, "::");
`;

describe("an ordinary user's laptop without a device", () => {
  let network: TestNetwork;
  let first: { machine: Machine; root: PrivateRoot };
  let laptop: { machine: Machine; root: PrivateRoot };
  let host: Daemon;
  let overlay: string;
  beforeAll(async () => {
    network = await TestNetwork.open("userspace");
    first = await fresh(await network.machine("first", ["192.0.2.1/24"]));
    laptop = await fresh(await network.machine("laptop", ["192.0.2.2/24"]));
    const founder = lacis(first, "init", "home", "--name", "first", "--endpoint", "192.0.2.1");
    await says(founder, "next: sudo lacis invite HOST");
    overlay = /this host is (\S+), reached/.exec(founder.log())?.[1] ?? "";
    for (const port of [WEB_PORT, BREAKING_PORT]) {
      const rule = `echo '    - { port: ${port}, proto: tcp, host: any }' >> /etc/lacis/config.yml`;
      await first.root.run("sh", ["-c", rule]);
    }
    await first.machine.must(...first.root.inside(LACIS.cli("reload")));
    first.machine.start("web", ...first.root.inside([process.execPath, "-e", WEB]));
    await founder.becomes("the web server listens", () => first.machine.hasTcpListener(WEB_PORT));
    await laptop.root.run("install", ["-d", "-o", USER, "-g", USER, "-m", "0700", HOME]);
    const token = await invited("laptop");
    host = laptop.machine.start("join", ...asUser(...LACIS.cli("join", "--userspace", "--ephemeral", token)));
    await says(host, "joined home as laptop");
  }, 180_000);
  afterAll(async () => {
    for (const { machine, root } of [first, laptop]) {
      await machine.endAll();
      await root.close();
    }
    await network.close();
  });

  test("joins with a token: no device, and no file of the system", async () => {
    expect(await laptop.machine.devices()).toEqual([]);
    expect(await laptop.root.written()).toEqual([]);
  });

  test("its programs reach a web server by the host's name, through SOCKS on a socket that is its user's alone", async () => {
    const proxy = await proxySocket();
    const mode = (await laptop.root.run("stat", ["-c", "%a %u", proxy])).stdout.trim();
    expect(mode).toBe(`600 ${USER}`);
    const got = await laptop.machine.run(
      ...asUser("curl", "-sS", "-m", "20", "--proxy", `socks5h://localhost${proxy}`, `http://first:${WEB_PORT}/`),
    );
    expect(got.stdout + got.stderr).toBe("hello from the mesh\n");
  });

  test("what is not in the overlay is refused", async () => {
    const got = await laptop.machine.run(
      ...asUser(
        "curl",
        "-sS",
        "-m",
        "20",
        "--proxy",
        `socks5h://localhost${await proxySocket()}`,
        "http://192.0.2.1:80/",
      ),
    );
    expect(got.status).not.toBe(0);
    const nc = await user("nc", "192.0.2.1", "80");
    expect(nc.status).toBe(1);
    expect(nc.stderr).toContain("it is not in the overlay, and nothing else is reached this way");
  });

  test("lacis nc carries standard input and output", async () => {
    const asked = "GET / HTTP/1.0\r\n\r\n";
    const got = await laptop.machine.run(...asUser(...LACIS.cli("nc", "first", String(WEB_PORT))), { input: asked });
    expect(got.stdout).toContain("hello from the mesh");
    expect(got.status).toBe(0);
  });

  test("lacis forward leads a port of the laptop there, and nothing is lost to a slow reader", async () => {
    const forward = laptop.machine.start("forward", ...asUser(...LACIS.cli("forward", `5000:first:${WEB_PORT}`)));
    await says(forward, "leads to port");
    const url = "http://127.0.0.1:5000/large";
    const size = await laptop.machine.must("curl", [
      "-sS",
      "-m",
      "60",
      "-o",
      "/dev/null",
      "-w",
      "%{size_download} %{speed_download}",
      url,
    ]);
    console.log(`through lacis forward: ${Math.round((Number(size.split(" ")[1]) * 8) / 1e6)} Mbit/s`);
    expect(size.split(" ")[0]).toBe(String(MEGABYTES << 20));
    const slow = `curl -sS -m 60 --limit-rate 4M http://127.0.0.1:5000/large | wc -c`;
    expect((await laptop.machine.must("sh", ["-c", slow])).trim()).toBe(String(MEGABYTES << 20));
    await forward.stop();
  }, 150_000);

  test("a port that no rule opens is refused at once, in the words of who refuses it, and lacis why says the same", async () => {
    const begun = performance.now();
    const nc = await user("nc", "first", String(DENIED_PORT));
    expect(nc).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^lacis: cannot reach port 8081 of first - first refuses it: no inbound rule allows it.* - lacis why first tcp\/8081\n$/,
      ),
    });
    const took = performance.now() - begun;
    console.log(`a dropped port, told by nc in ${Math.round(took)} ms with the start of the program`);
    // Starting the program is most of it; the data plane itself would wait 30 s.
    expect(took).toBeLessThan(10_000);
    const why = await user("why", "first", `tcp/${DENIED_PORT}`);
    expect(why.status).toBe(1);
    expect(why.stdout).toContain("no inbound rule");
  });

  test("a stream that breaks off is none that ended: exit code 6, and what had come stands", async () => {
    const nc = await user("nc", "--json", "first", String(BREAKING_PORT));
    expect(nc).toMatchObject({ status: 6, stdout: "half of" });
    const [connected, broken] = nc.stderr.trim().split("\n");
    expect(JSON.parse(connected ?? "")).toMatchObject({ event: "connected", host: "first", port: BREAKING_PORT });
    expect(broken).toMatch(/^lacis: the stream to port 8082 of first - it broke off/);
  });

  test("nobody waits longer than he wants for a host that is not there", async () => {
    const { status, stderr } = await user("nc", "-w", "0.5", overlay.replace(/\d+$/, "200"), "80");
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("nobody answered within 0.5 s"),
    });
    expect((await user("nc", "a".repeat(300), "80")).status).toBe(2);
  });

  test("answers to ping and to lacis ping as any host", async () => {
    expect((await user("ping", "first")).stdout).toContain("pong from first");
    const status = await user("status", "--json");
    const [{ address }] = (JSON.parse(status.stdout) as { host: { addresses: string[] } }).host.addresses.map(
      (address) => ({ address }),
    ) as [{ address: string }];
    const ping = await first.machine.must("ping", ["-c", "1", "-W", "5", address.split("/")[0] ?? ""]);
    expect(ping).toContain("1 received");
    expect(overlay).not.toBe("");
  });

  test("leaves nothing when it is ended", async () => {
    expect((await host.stop(15_000)).code).toBe(0);
    expect((await laptop.root.run("find", [HOME, `/tmp/lacis-${USER}`], { fails: true })).stdout.trim()).toBe(HOME);
    expect(await laptop.root.written()).toEqual([]);
    expect(await laptop.machine.processes()).toEqual([]);
  });

  async function proxySocket(): Promise<string> {
    const found = await laptop.root.run("find", [`/tmp/lacis-${USER}`, "-name", "proxy.sock"]);
    return found.stdout.trim();
  }

  function asUser(...command: readonly string[]): [string, string[]] {
    const become = ["--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "--bounding-set=-all"];
    return laptop.root.inside([
      "setpriv",
      ...become,
      "env",
      "-i",
      `HOME=${HOME}`,
      `PATH=${process.env["PATH"]}`,
      ...command,
    ]);
  }

  function user(...args: readonly string[]): ReturnType<Machine["run"]> {
    return laptop.machine.run(...asUser(...LACIS.cli(...args)), { timeoutMs: 60_000 });
  }

  async function invited(name: string): Promise<string> {
    const printed = await first.machine.must(...first.root.inside(LACIS.cli("invite", name, "--ephemeral")));
    const token = /lacis1-\S+/.exec(printed)?.[0];
    if (token === undefined) throw new Error(`no token: ${printed}`);
    return token;
  }
});

async function fresh(machine: Machine): Promise<{ machine: Machine; root: PrivateRoot }> {
  return { machine, root: await PrivateRoot.over(join(machine.directory, "root")) };
}

function lacis({ machine, root }: { machine: Machine; root: PrivateRoot }, ...args: readonly string[]): Daemon {
  return machine.start(args[0] ?? "", ...root.inside(LACIS.cli(...args)));
}

async function says(daemon: Daemon, text: string): Promise<void> {
  await daemon.becomes(`it says "${text}"`, async () => daemon.log().includes(text), 60_000);
}
