import { Pattern } from "../base/pattern.ts";
import type { IpAddress } from "./address.ts";
import { AllowList, type AllowRule } from "./allow-list.ts";

/** Which of this host's own addresses are reported (`lighthouse.local_allow_list`). */
export interface OwnAllowList {
  readonly rules: readonly AllowRule[];
  /** Names of interfaces, all with the same answer; the others get the opposite one. */
  readonly interfaces: { readonly patterns: readonly string[]; readonly allowed: boolean } | undefined;
}

/** The same, compiled: an address is reported when one of its interfaces and the rules allow it. */
export class AllowedOwn {
  readonly #rules: AllowList;
  readonly #patterns: readonly Pattern[];
  readonly #isNamedAllowed: boolean;

  constructor({ rules, interfaces }: OwnAllowList) {
    this.#rules = new AllowList(rules);
    this.#patterns = (interfaces?.patterns ?? []).flatMap((text) => {
      const pattern = Pattern.anchored(text);
      return pattern.ok ? [pattern.value] : [];
    });
    this.#isNamedAllowed = interfaces?.allowed ?? false;
  }

  /** `interfaces`: the names of those that have the address. */
  allows(address: IpAddress, interfaces: readonly string[]): boolean {
    return interfaces.some((name) => this.#allowsInterface(name)) && this.#rules.allows(address);
  }

  /** Whether an interface is allowed by a pattern of its own, not only because nothing speaks against it. */
  names(name: string): boolean {
    return this.#isNamedAllowed && this.#patterns.some((pattern) => pattern.matches(name));
  }

  #allowsInterface(name: string): boolean {
    return this.#patterns.some((pattern) => pattern.matches(name)) === this.#isNamedAllowed;
  }
}
