import { isIPv4, isIPv6 } from "node:net";

const IPV4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)/g;
const IPV6 = /(?<![\w:])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?![\w:])/gi;
const FINGERPRINT = /\b[\da-f]{64}\b/gi;
const HOME = /(\/home\/)[^/\s"]+/g;
/** They say nothing about anybody. */
const NOBODY = /^(0\.0\.0\.0|127\.\d+\.\d+\.\d+|255\.255\.255\.255|::|::1)$/;

/** Other names for whoever is named, the same one each time. */
export class Pseudonyms {
  readonly #given = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #names: RegExp | undefined;

  /** Names that are replaced wherever they stand as a word. */
  constructor(kinds: Readonly<Record<string, readonly string[]>>) {
    const all = Object.entries(kinds).flatMap(([kind, names]) => names.map((name) => ({ kind, name })));
    for (const { kind, name } of all) if (name !== "") this.#pseudonym(kind, name);
    const longestFirst = [...this.#given.keys()].sort((a, b) => b.length - a.length).map(escaped);
    if (longestFirst.length > 0) this.#names = new RegExp(`(?<![\\w-])(?:${longestFirst.join("|")})(?![\\w-])`, "g");
  }

  hide(text: string): string {
    const named = this.#names ? text.replace(this.#names, (name) => this.#given.get(name) ?? name) : text;
    return named
      .replace(FINGERPRINT, (hex) => this.#pseudonym("fingerprint", hex.toLowerCase()))
      .replace(IPV4, (address) => (isIPv4(address) ? this.#address(address) : address))
      .replace(IPV6, (address) => (isIPv6(address) ? this.#address(address.toLowerCase()) : address))
      .replace(HOME, "$1user");
  }

  #address(address: string): string {
    return NOBODY.test(address) ? address : this.#pseudonym("address", address);
  }

  #pseudonym(kind: string, name: string): string {
    const known = this.#given.get(name);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const given = `${kind}-${count}`;
    this.#given.set(name, given);
    return given;
  }
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
