import type { Entropy } from "../../core/base/entropy.ts";
import type { CryptoSuite } from "../../core/crypto/suite.ts";
import { nodeSuite, osEntropy } from "../node-crypto.ts";
import { findNativeLibrary, loadNativeLibrary } from "./native-library.ts";
import { nativeSuite } from "./native-suite.ts";

/** What a daemon computes with: the Rust library where it was installed or built, else OpenSSL. Throws OperatorError for one that cannot be used. */
export function daemonSuite(): CryptoSuite {
  suite ??= chosen();
  return suite;
}

/** What a node computes with, and where it draws its keys from. */
export function cryptography(): { readonly crypto: CryptoSuite; readonly entropy: Entropy } {
  return { crypto: daemonSuite(), entropy: osEntropy };
}

let suite: CryptoSuite | undefined;

function chosen(): CryptoSuite {
  const path = findNativeLibrary();
  return path === undefined ? nodeSuite : nativeSuite(loadNativeLibrary(path));
}
