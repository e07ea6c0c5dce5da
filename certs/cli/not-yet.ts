import { Option } from "commander";
import { Failure } from "./failure.ts";

/** Flags of the reference's tool that this one understands but cannot serve yet: refused by name, never ignored. */
const REASONS = {
  "out-qr": "QR codes are not supported yet",
  encrypt: "encrypted CA keys are not supported yet",
  "argon-memory": "encrypted CA keys are not supported yet",
  "argon-iterations": "encrypted CA keys are not supported yet",
  "argon-parallelism": "encrypted CA keys are not supported yet",
  pkcs11: "keys in a PKCS#11 token are not supported yet",
} as const;

export type NotYet = keyof typeof REASONS;

export function notYetOption(name: NotYet): Option {
  return new Option(name === "encrypt" ? `--${name}` : `--${name} <value>`)
    .hideHelp()
    .argParser(() => refuseNotYet(name));
}

/** For the one flag without a value, which no parser of commander's sees. */
export function refuseNotYet(name: NotYet): never {
  throw new Failure({ what: `-${name}`, why: REASONS[name], fix: "leave it out, or use nebula-cert for this one" });
}
