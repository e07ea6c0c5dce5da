import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { mustMake } from "../netns/lab/certificate-tool.ts";
import { Authority } from "../netns/lab/certificates.ts";
import { isInstalled } from "../netns/lab/command.ts";
import { formatHostConfig, type HostConfig, PORT } from "../netns/lab/host-config.ts";
import { findNebula, type Implementation, LACIS, PROJECT } from "../netns/lab/implementation.ts";
import { type Machine, TestNetwork } from "../netns/lab/network.ts";
import { pause, waitFor } from "../netns/lab/wait.ts";
import type { OwnOrder } from "./rules/orders.ts";
import { inboundQuestions, OWN_ADDRESSES, outboundQuestions, PEERS } from "./rules/questions.ts";
import { type RuleSet, randomRuleSet, seededRandom } from "./rules/rule-sets.ts";
import { type Verdict, Verdicts } from "./rules/verdicts.ts";

/**
 * The same random rules on both, the same packets to both: what of them comes out at the other end is the verdict. The two judged hosts have one
 * certificate and one overlay address, each on a machine of its own; their peers are one program that seals whatever it likes.
 */
const SETS = Number(process.env["LACIS_RULE_SETS"] ?? "60");
const SEED = Number(process.env["LACIS_RULE_SEED"] ?? "1");
/** From the last packet that was sent until nothing more is waited for. */
const SETTLED_MS = 60;

const nebula = await findNebula("1.11");
const missing = [
  ...(nebula ? [] : ["Nebula 1.11 (scripts/fetch-peers)"]),
  ...((await isInstalled("nft")) ? [] : ["nft"]),
  ...((await isInstalled("ping")) ? [] : ["ping"]),
];

describe("the firewall beside Nebula's", () => {
  if (missing.length > 0 || !nebula) {
    test.skip(`needs ${missing.join(" and ")}`, () => {});
    return;
  }
  const verdicts = new Verdicts();
  afterAll(() => {
    process.stdout.write(`\n${SETS} rule sets of seed ${SEED}, ours beside ${nebula.name}\n${verdicts.table()}\n`);
  });

  test(`scenario 42, scenario 51: ${SETS} random rule sets let the same packets through, or fewer by name`, async () => {
    const network = await TestNetwork.open("rules");
    const random = seededRandom(SEED);
    try {
      const court = await Court.assemble(network, [LACIS, nebula]);
      for (let number = 0; number < SETS; number++) {
        const rules = randomRuleSet(random, court.fingerprints);
        await court.decree(rules);
        verdicts.note(rules, await court.judge());
      }
      expect(verdicts.looser.slice(0, 3), `of ${verdicts.looser.length}`).toEqual([]);
      expect(verdicts.unnamed.slice(0, 3), `of ${verdicts.unnamed.length}`).toEqual([]);
      expect(verdicts.allowed, "packets that both let through").toBeGreaterThan(SETS);
      expect(verdicts.refused, "packets that both refuse").toBeGreaterThan(SETS);
    } finally {
      await network.close();
    }
  }, 1_800_000);
});

/** Both hosts, their peers, and how they are asked. */
class Court {
  readonly fingerprints: readonly string[];
  readonly #hosts: readonly Judged[];
  readonly #peers: Lines;
  readonly #everything: readonly Asked[] = [...inboundQuestions(), ...outboundQuestions()];
  #mark = 20_000;

  private constructor(fingerprints: readonly string[], hosts: readonly Judged[], peers: Lines) {
    this.fingerprints = fingerprints;
    this.#hosts = hosts;
    this.#peers = peers;
  }

  static async assemble(network: TestNetwork, implementations: readonly Implementation[]): Promise<Court> {
    const authorities = await Promise.all(
      ["Alpha", "Beta"].map((name) =>
        Authority.create(LACIS.certificates, join(network.directory, name), new Set([2]), "25519", name),
      ),
    );
    const bundles = ["Alpha", "Beta"].map((name) => join(network.directory, name, "ca.crt"));
    const trusted = (await Promise.all(bundles.map((path) => readFile(path, "utf8")))).join("");
    const directories = await Promise.all(
      [{ name: "judged", authority: 0, overlay: OWN_ADDRESSES, groups: [], unsafe: ["192.168.7.0/24"] }, ...PEERS].map(
        async ({ authority, ...subject }) => {
          const directory = await (authorities[authority] as Authority).issue(subject, [2]);
          await writeFile(join(directory, "ca.crt"), trusted);
          return directory;
        },
      ),
    );
    const [own = "", ...others] = directories;
    const hosts: Judged[] = [];
    for (const [at, implementation] of implementations.entries()) {
      const machine = await network.machine(`judged${at}`, [`192.0.2.${2 + at}/24`]);
      hosts.push(await Judged.start(machine, implementation, own));
    }
    const machine = await network.machine("peers", ["192.0.2.9/24"]);
    const configs = await Promise.all(
      others.map(async (directory, at) => {
        const config = join(machine.directory, `peer-${at}.yml`);
        await writeFile(config, formatHostConfig({ directory, cipher: "aes", lighthouse: "none", tun: false }));
        return { config };
      }),
    );
    const targets = implementations.map((_, at) => ({ address: `192.0.2.${2 + at}`, port: PORT }));
    const peers = new Lines(machine, "peers", JSON.stringify(targets), JSON.stringify(configs));
    await waitFor("tunnels of all peers to both hosts", () => peers.lines.includes("ready"), { withinMs: 20_000 });
    return new Court(await Promise.all(bundles.map(fingerprintOf)), hosts, peers);
  }

  /** Puts both under these rules. */
  async decree(rules: RuleSet): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.reload(rules)));
  }

  /**
   * Asks everything, and again what came through one of them alone: a busy machine loses packets, and may be late with new rules. What both do
   * not agree on after that is a difference.
   */
  async judge(): Promise<readonly Verdict<Asked>[]> {
    let verdicts = await this.#ask(this.#everything);
    for (let again = 0; again < 3; again++) {
      const doubtful = verdicts.filter(({ through }) => new Set(through).size > 1);
      if (doubtful.length === 0) break;
      await pause(again * 50);
      const asked = await this.#ask(doubtful.map(({ question }) => question));
      const latest = new Map(asked.map((verdict) => [verdict.question, verdict]));
      verdicts = verdicts.map((verdict) => latest.get(verdict.question) ?? verdict);
    }
    return verdicts;
  }

  async #ask(questions: readonly Asked[]): Promise<readonly Verdict<Asked>[]> {
    const marked = questions.map((question) => ({ question, mark: this.#nextMark() }));
    this.#peers.lines.length = 0;
    for (const host of this.#hosts.keys())
      for (const { question, mark } of marked)
        if ("probe" in question.order) this.#peers.tell({ ...question.order, host, mark });
    const own = marked.flatMap(({ question: { order }, mark }) => ("probe" in order ? [] : [{ ...order, mark }]));
    await Promise.all(this.#hosts.map((host) => host.send(own)));
    await pause(SETTLED_MS);
    const noted = await Promise.all(this.#hosts.map((host) => host.noted()));
    const arrived = this.#peers.lines.map((line) => JSON.parse(line) as { host: number; port: number });
    return marked.map(({ question, mark }) => ({
      question,
      through: this.#hosts.map((_, at) => {
        const { order } = question;
        return "probe" in order
          ? (noted[at]?.has(`${order.from} ${order.to} ${mark}`) ?? false)
          : arrived.some(({ host, port }) => host === at && port === mark);
      }),
    }));
  }

  /** No flow of one rule set is asked about under another. */
  #nextMark(): number {
    this.#mark = this.#mark >= 60_000 ? 20_000 : this.#mark + 1;
    return this.#mark;
  }
}

type Asked = ReturnType<typeof inboundQuestions | typeof outboundQuestions>[number];

/** One of the two, with the table that notes what comes out of its device. */
class Judged {
  readonly #machine: Machine;
  readonly #config: HostConfig;
  readonly #path: string;
  readonly #daemon: ReturnType<Machine["start"]>;
  readonly #sender: Lines;
  #reloads = 0;

  private constructor(machine: Machine, config: HostConfig, path: string, daemon: ReturnType<Machine["start"]>) {
    this.#machine = machine;
    this.#config = config;
    this.#path = path;
    this.#daemon = daemon;
    this.#sender = new Lines(machine, "own-sender");
  }

  static async start(machine: Machine, implementation: Implementation, from: string): Promise<Judged> {
    const directory = machine.directory;
    for (const file of ["ca.crt", "host.crt", "host.key"]) await copyFile(join(from, file), join(directory, file));
    const more = { tun: { unsafe_routes: [{ route: "172.20.0.0/16", via: "10.77.0.14" }] } };
    const config: HostConfig = { directory, cipher: "aes", lighthouse: "none", tun: true, more };
    const path = join(directory, "config.yml");
    await writeFile(path, formatHostConfig(config));
    await machine.must("nft", ["-f", "-"], { input: NOTES });
    await machine.must("ip", ["address", "add", "192.168.7.1/32", "dev", "lo"]);
    const [command, ...args] = implementation.daemon(path);
    const daemon = machine.start(machine.name, command, args);
    const hasDevice = async () =>
      (await machine.run("ip", ["address", "show", "dev", "mesh0"])).stdout.includes("10.77");
    await daemon.becomes("its device is up", hasDevice);
    return new Judged(machine, config, path, daemon);
  }

  async reload(rules: RuleSet): Promise<void> {
    const { more } = this.#config;
    const firewall = { ...rules };
    await writeFile(this.#path, formatHostConfig({ ...this.#config, more: { ...more, firewall } }));
    const wanted = ++this.#reloads;
    this.#daemon.signal("SIGHUP");
    await this.#daemon.becomes("it has the new rules", async () => this.#daemon.log().split(RELOADED).length > wanted);
  }

  async send(orders: readonly OwnOrder[]): Promise<void> {
    const before = this.#sender.lines.length;
    this.#sender.tell(orders);
    await waitFor("all to be sent", async () => this.#sender.lines.length > before, { withinMs: 10_000, everyMs: 5 });
  }

  /** Sender, receiver and mark of every packet that has come since it was asked last. */
  async noted(): Promise<ReadonlySet<string>> {
    const listed = JSON.parse(await this.#machine.must("nft", ["-j", "list", "sets"])) as {
      nftables: { set?: { elem?: { concat: (string | number)[] }[] } }[];
    };
    await this.#machine.must("nft", ["flush set inet notes four; flush set inet notes six"]);
    const elements = listed.nftables.flatMap(({ set }) => set?.elem ?? []);
    return new Set(elements.map(({ concat }) => concat.join(" ")));
  }
}

/** What each says when new rules apply. */
const RELOADED = /code=reloaded|New firewall has been installed/;

/** Before fragments are put together, which the kernel may do for others. */
const NOTES = `table inet notes {
  set four { typeof ip saddr . ip daddr . ip id; size 65535; flags dynamic; }
  set six { typeof ip6 saddr . ip6 daddr . ip6 flowlabel; size 65535; flags dynamic; }
  chain come {
    type filter hook prerouting priority -450;
    iifname "mesh0" meta nfproto ipv4 add @four { ip saddr . ip daddr . ip id }
    iifname "mesh0" meta nfproto ipv6 add @six { ip6 saddr . ip6 daddr . ip6 flowlabel }
  }
}`;

/** A program on a machine that is told and tells lines. */
class Lines {
  readonly lines: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(machine: Machine, name: "peers" | "own-sender", ...args: readonly string[]) {
    const program = join(PROJECT, "dist/test/interop/rules", `${name}.js`);
    const enter = [`--net=/run/netns/${machine.namespace}`, "--", process.execPath, program, ...args];
    this.#child = spawn("nsenter", enter);
    this.#child.stderr.pipe(process.stderr);
    createInterface(this.#child.stdout).on("line", (line) => this.lines.push(line));
  }

  tell(order: object): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }
}

async function fingerprintOf(path: string): Promise<string> {
  const printed = await mustMake(LACIS.certificates, ["print", "-json", "-path", path]);
  const [, fingerprint] = /"fingerprint": *"([0-9a-f]{64})"/.exec(printed) ?? [];
  return fingerprint ?? expect.fail(`no fingerprint in ${printed}`);
}
