import type { ConsoleSettings, ListenAddress } from "../../core/config/settings.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { LoadedSettings } from "../config/config-file.ts";
import { listenRefusal } from "../listen-refusal.ts";
import type { Health, Service } from "../service.ts";
import { COMMANDS, runLine } from "./commands.ts";
import type { ConsoleHost } from "./console-host.ts";
import { Profiles } from "./profiles.ts";
import { Access, type ShownKey } from "./ssh/access.ts";
import { ConsoleServer } from "./ssh/console-server.ts";
import type { SshKey } from "./ssh/ssh-key.ts";
import type { Visit } from "./ssh/user-certificate.ts";

/** A port that was taken may be free again. */
const RETRY_MS = 30_000;

/** Serves the console over SSH, as configured (sshd.*). Where it cannot listen that is said, and everything else goes on. */
export class ConsoleService implements Service {
  readonly name: string = "console";
  readonly #host: ConsoleHost;
  readonly #tell: (event: OperatorEvent) => void;
  #settings: ConsoleSettings | undefined;
  #access: Access;
  #server: ConsoleServer | undefined;
  #retry: NodeJS.Timeout | undefined;
  #trouble: string | undefined;

  constructor(
    { console: settings }: Pick<LoadedSettings, "console">,
    host: Omit<ConsoleHost, "profiles">,
    tell: (event: OperatorEvent) => void,
  ) {
    this.#settings = settings;
    this.#access = new Access(settings ?? NOBODY);
    this.#host = { ...host, profiles: new Profiles(() => this.#settings?.sandboxDirectory ?? "") };
    this.#tell = tell;
  }

  async start(): Promise<void> {
    await this.#open();
  }

  /** Whoever is logged in stays, unless the console is gone; keys that are gone let nobody in any more. */
  reload({ console: settings }: Pick<LoadedSettings, "console">): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#access = new Access(settings ?? NOBODY);
    const isSamePlace =
      before &&
      settings &&
      addressText(before.listen) === addressText(settings.listen) &&
      before.hostKey === settings.hostKey;
    if (isSamePlace && this.#trouble === undefined) return;
    this.#close({ keepSessions: settings !== undefined });
    void this.#open();
  }

  stop(): void {
    this.#close({ keepSessions: false });
  }

  /** The key that lets a visitor in now; undefined when none does. */
  keyFor(shown: ShownKey, visit: Visit): SshKey | undefined {
    return this.#access.keyFor(shown, visit);
  }

  health(): readonly Health[] {
    if (this.#trouble === undefined) return [];
    const todo = "see sshd.* in the configuration, then: lacis reload; it is tried again by itself";
    return [{ code: "console-unavailable", severity: "warning", text: this.#trouble, todo }];
  }

  async #open(): Promise<void> {
    const settings = this.#settings;
    if (!settings) return;
    const where = addressText(settings.listen);
    const server = new ConsoleServer({
      hostKey: settings.hostKey,
      keyFor: (shown, visit) => this.keyFor(shown, visit),
      run: async (line) => runLine(line, this.#host),
      commands: COMMANDS.map(({ name }) => name),
      version: this.#host.version,
      loggedIn: (user, address) => this.#tell({ code: "console-login", user, address }),
      refused: (user, address) => this.#tell({ code: "console-refused", user, address }),
    });
    this.#server = server;
    try {
      await server.listen(settings.listen);
      if (this.#server !== server) return;
      await this.#host.profiles.start();
      this.#tell({ code: "console-served", where });
    } catch (error) {
      if (this.#server !== server) return;
      this.#trouble = `the console cannot be served on ${where}: ${listenRefusal(error)}`;
      this.#tell({ code: "console-unavailable", why: this.#trouble });
      this.#retry = setTimeout(() => {
        this.#close({ keepSessions: true });
        void this.#open();
      }, RETRY_MS).unref();
    }
  }

  #close(options: { readonly keepSessions: boolean }): void {
    this.#server?.close(options);
    this.#host.profiles.stop();
    clearTimeout(this.#retry);
    this.#server = undefined;
    this.#trouble = undefined;
  }
}

const NOBODY = { users: [], authorities: [] } as const;

function addressText({ host = "*", port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
