import { nearest } from "../core/base/suggest.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";

/** Why nobody here can have an address that is not of the overlay. `networks`: this host's, for people. */
export function outsideText(networks: string): string {
  return `it is not in any network of this host (${networks}), nor behind another one`;
}

/** What to say when somebody is meant who is nobody here: a slip of the finger, most often. */
export function stranger(peer: string, why: string, todo: string): OperatorError {
  return new OperatorError("unknown-peer", { what: `no host ${JSON.stringify(peer)} here`, why, todo }, ExitCode.usage);
}

/** The same of a name, with the one of those that are `known` that comes nearest. */
export function strangeName(name: string, known: Iterable<string>, why: string): OperatorError {
  const near = nearest(name, known);
  return stranger(name, why, near === undefined ? "ask by its overlay address instead" : `did you mean ${near}?`);
}
