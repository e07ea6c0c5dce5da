import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import OpenIdProvider from "oidc-provider";

/** Who has an account there, with their claims. */
export type Accounts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Of a provider that is reached by TLS, PEM: its key, its certificate, and the authority that browsers know. */
export interface ProviderTls {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** A real identity provider, behind somebody who may change what it says. */
export class IdentityProvider {
  readonly #accounts: Accounts;
  readonly #front: Server;
  readonly #back: Server;
  /** What becomes of a body on its way out. */
  tamper: (path: string, body: string) => string = (_, body) => body;

  readonly #tls: ProviderTls | undefined;

  private constructor(accounts: Accounts, front: Server, back: Server, tls: ProviderTls | undefined) {
    this.#accounts = accounts;
    this.#tls = tls;
    this.#front = front;
    this.#back = back;
  }

  static async open(accounts: Accounts, tls?: ProviderTls): Promise<IdentityProvider> {
    const front = tls ? https.createServer(tls) : createServer();
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const issuer = `${tls ? "https" : "http"}://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const provider = new OpenIdProvider(issuer, {
      clients: [
        {
          client_id: "lacis",
          token_endpoint_auth_method: "none",
          redirect_uris: [],
          response_types: [],
          grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
        },
      ],
      features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
      claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
      conformIdTokenClaims: false,
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
    });
    // What stands before it says by what it was reached.
    provider.proxy = true;
    const back = createServer(provider.callback());
    await new Promise<void>((resolve) => back.listen(0, "127.0.0.1", resolve));
    const made = new IdentityProvider(accounts, front, back, tls);
    front.on("request", (asked, answer) => made.#forward(asked, answer));
    return made;
  }

  get issuer(): string {
    return `${this.#tls ? "https" : "http"}://127.0.0.1:${(this.#front.address() as AddressInfo).port}`;
  }

  /** What somebody does in a browser: opens the page, confirms the code, signs in, consents; or refuses where the code is shown. */
  async visit(url: string, who: string | undefined): Promise<void> {
    if (who !== undefined && !(who in this.#accounts)) throw new Error(`${who} has no account`);
    const browser = new Browser(this.#tls?.ca);
    let page = await browser.open(url);
    for (let form = formOn(page); form; form = formOn(page)) {
      if ("user_code" in form.fields && who === undefined) {
        const { confirm: _, ...fields } = form.fields;
        await browser.submit({ ...form, fields: { ...fields, abort: "yes" } });
        return;
      }
      if ("login" in form.fields) Object.assign(form.fields, { login: who, password: "any" });
      page = await browser.submit(form);
    }
    if (!page.text.includes("Sign-in Success")) throw new Error(page.text.slice(0, 2_000));
  }

  async close(): Promise<void> {
    for (const server of [this.#front, this.#back]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url } = asked;
    const headers = { ...asked.headers, "x-forwarded-proto": this.#tls ? "https" : "http" };
    const { port } = this.#back.address() as AddressInfo;
    const forwarded = request({ host: "127.0.0.1", port, method, path: url, headers }, (said) => {
      const chunks: Buffer[] = [];
      said.on("data", (chunk: Buffer) => chunks.push(chunk));
      said.on("end", () => {
        const body = this.tamper(url ?? "", Buffer.concat(chunks).toString());
        const { "content-length": _, "transfer-encoding": __, ...kept } = said.headers;
        answer.writeHead(said.statusCode ?? 500, kept).end(body);
      });
    });
    forwarded.on("error", () => answer.destroy());
    asked.pipe(forwarded);
  }
}

interface Page {
  readonly url: string;
  readonly text: string;
}

interface Form {
  readonly action: string;
  readonly fields: Record<string, string | undefined>;
}

function formOn({ url, text }: Page): Form | undefined {
  if (!text.includes("<form")) return undefined;
  const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? url;
  const fields: Record<string, string> = {};
  for (const [input] of text.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1];
    if (name !== undefined) fields[name] = /value="([^"]*)"/.exec(input)?.[1] ?? "";
  }
  return { action: new URL(action, url).href, fields };
}

/** Keeps cookies and follows redirects. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #ca: string | undefined;

  constructor(ca: string | undefined) {
    this.#ca = ca;
  }

  open(url: string): Promise<Page> {
    return this.#go(url);
  }

  submit({ action, fields }: Form): Promise<Page> {
    const body = new URLSearchParams();
    for (const [name, value = ""] of Object.entries(fields)) body.append(name, value);
    return this.#go(action, body.toString());
  }

  async #go(url: string, form?: string): Promise<Page> {
    const { headers, text } = await this.#ask(url, form);
    for (const set of headers["set-cookie"] ?? []) {
      const [pair = ""] = set.split(";");
      const [name = "", ...value] = pair.split("=");
      this.#cookies.set(name, value.join("="));
    }
    const { location } = headers;
    return location === undefined ? { url, text } : this.#go(new URL(location, url).href);
  }

  #ask(url: string, form: string | undefined) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, ...(form !== undefined && { "content-type": "application/x-www-form-urlencoded" }) };
    const options = { method: form === undefined ? "GET" : "POST", headers };
    const trust = this.#ca === undefined ? {} : { ca: this.#ca };
    return new Promise<{ readonly headers: IncomingMessage["headers"]; readonly text: string }>((resolve, reject) => {
      const asking = url.startsWith("https:") ? https.request(url, { ...options, ...trust }) : request(url, options);
      asking.on("error", reject).on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() }));
      });
      asking.end(form);
    });
  }
}
