import readline from "node:readline";
import { Writable } from "node:stream";
import { Secret } from "../../src/core/base/secret.ts";
import { Failure, usage } from "./failure.ts";
import { closeToOthers, readText } from "./files.ts";

/** Where a passphrase may come from, first the most explicit: never the command line, which every user of the machine can read. */
const VARIABLES = ["LACIS_CA_PASSPHRASE", "NEBULA_CA_PASSPHRASE"] as const;

const WAYS = `set ${VARIABLES.join(" or ")}, give -passphrase-file, or run this in a terminal`;

/** How often a person may answer with nothing, or with two different passphrases. */
const TRIES_MAX = 5;

/** The passphrase of an existing key: from the file, the environment, or the terminal, in this order. */
export async function givenPassphrase(
  keyFile: string,
  passphraseFile: string | undefined,
  otherwise?: string,
): Promise<Secret> {
  return (
    fromFileOrEnvironment(passphraseFile) ??
    (await fromTerminal(keyFile, (ask) => ask(`Passphrase of ${keyFile}: `), otherwise))
  );
}

/** The passphrase of a key that is to be made; a person is asked twice. */
export async function chosenPassphrase(keyFile: string, passphraseFile: string | undefined): Promise<Secret> {
  return (
    fromFileOrEnvironment(passphraseFile) ??
    (await fromTerminal(keyFile, async (ask) => {
      const first = await ask(`New passphrase for ${keyFile}: `);
      if (first === "" || first === (await ask("The same once more: "))) return first;
      process.stderr.write("They are not the same.\n");
      return "";
    }))
  );
}

function fromFileOrEnvironment(passphraseFile: string | undefined): Secret | undefined {
  if (passphraseFile !== undefined) {
    const [line = ""] = readText(passphraseFile).split(/\r?\n/);
    if (line === "") throw usage(passphraseFile, "its first line is empty", "write the passphrase into it");
    closeToOthers(passphraseFile);
    return secretOf(line);
  }
  const name = VARIABLES.find((variable) => (process.env[variable] ?? "") !== "");
  return name && secretOf(process.env[name] ?? "");
}

type Ask = (prompt: string) => Promise<string>;

async function fromTerminal(
  keyFile: string,
  question: (ask: Ask) => Promise<string>,
  otherwise?: string,
): Promise<Secret> {
  const todo = otherwise === undefined ? WAYS : `${WAYS}; or ${otherwise}`;
  if (!process.stdin.isTTY) throw new Failure({ what: keyFile, why: "its passphrase is not known", todo });
  using terminal = new SilentTerminal();
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await question((prompt) => terminal.ask(prompt));
    if (answer !== "") return secretOf(answer);
  }
  throw new Failure({ what: keyFile, why: "no passphrase was given", todo });
}

/** The terminal with nothing of the answers shown. One for all questions: lines that were typed ahead are answers too. */
class SilentTerminal implements Disposable {
  readonly #lines: readline.Interface;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
    this.#lines = readline.createInterface({ input: process.stdin, output: mute, terminal: true, historySize: 0 });
    this.#lines.on("SIGINT", () => this.#lines.close());
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** One line; the end of the input and Ctrl-C end the command. */
  async ask(prompt: string): Promise<string> {
    process.stderr.write(prompt);
    const { done, value } = await this.#answers.next();
    process.stderr.write("\n");
    if (done) throw new Failure({ what: "the passphrase", why: "the input ended", todo: "nothing was written" });
    return value;
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }
}

function secretOf(text: string): Secret {
  return new Secret(new TextEncoder().encode(text));
}
