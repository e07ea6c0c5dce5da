import { Option } from "commander";
import { Failure } from "./failure.ts";

/** Flags of the reference's tool that this one understands but cannot serve yet: refused by name, never ignored. */
const REASONS = {
  pkcs11: "keys in a PKCS#11 token are not supported yet",
} as const;

export function notYetOption(name: keyof typeof REASONS): Option {
  return new Option(`--${name} <value>`).hideHelp().argParser(() => {
    throw new Failure({ what: `-${name}`, why: REASONS[name], todo: "leave it out, or use nebula-cert for this one" });
  });
}
