import { nonceOf } from "../src/core/crypto/nonce.ts";
import type { CryptoSuite } from "../src/core/crypto/suite.ts";
import { daemonSuite } from "../src/runtime/crypto/daemon-suite.ts";
import { nodeSuite, osEntropy } from "../src/runtime/node-crypto.ts";
import { ownCpuUs } from "./own-cpu.ts";

/**
 * What the cryptography of a handshake takes, call by call, and what a responder's comes to: the floor of what `bench:handshakes` and `bench:lighthouse`
 * measure.
 *
 *     npm run bench:primitives
 *
 * By OpenSSL through Node.js, and by the Rust library where it was built. Processor time of the process, the best of twenty samples; a peer's public key
 * is a new one for each handshake, as it is at a lighthouse.
 */
const SAMPLES = 20;

interface Primitive {
  readonly name: string;
  /** How often a responder calls it for one handshake with somebody it has not met. */
  readonly perHandshake: number;
  readonly calls: number;
  readonly run: () => unknown;
}

function primitives(suite: CryptoSuite): readonly Primitive[] {
  const { sha256, hmacSha256 } = suite;
  const agreement = suite.agreement("CURVE25519")!;
  const scheme = suite.signature("CURVE25519")!;
  const fresh = (): Uint8Array => osEntropy.bytes(32);
  const own = agreement.load(fresh())!;
  const peers = Array.from({ length: 128 }, () => agreement.load(fresh())!.publicKey);
  const [known] = peers;
  const authority = scheme.load(fresh())!;
  const [certificate, payload, hash] = [osEntropy.bytes(190), osEntropy.bytes(250), fresh()];
  const signature = authority.sign(certificate);
  let next = 0;
  return [
    { name: "load an ephemeral key", perHandshake: 1, calls: 500, run: () => agreement.load(fresh()) },
    {
      name: "agree with a key seen first",
      perHandshake: 2,
      calls: 500,
      run: () => own.agree(peers[next++ % peers.length]!),
    },
    { name: "agree with a key just used", perHandshake: 1, calls: 500, run: () => own.agree(known!) },
    {
      name: "verify a certificate",
      perHandshake: 1,
      calls: 300,
      run: () => scheme.verify(authority.publicKey, certificate, signature),
    },
    { name: "hash", perHandshake: 9, calls: 5_000, run: () => sha256(hash, hash) },
    { name: "HMAC", perHandshake: 12, calls: 5_000, run: () => hmacSha256(hash, hash) },
    {
      name: "seal",
      perHandshake: 2,
      calls: 2_000,
      run: () => suite.aead("aes", hash).seal(nonceOf("aes", 0n), hash, payload),
    },
  ];
}

function main(): void {
  for (const suite of new Set([nodeSuite, daemonSuite()])) {
    let floorUs = 0;
    console.log(`${suite.name}:`);
    for (const { name, perHandshake, calls, run } of primitives(suite)) {
      const us = Math.min(...Array.from({ length: SAMPLES }, () => cpuUsOf(calls, run)));
      floorUs += perHandshake * us;
      console.log(`  ${name.padEnd(28)} ${us.toFixed(2).padStart(7)} us, ${perHandshake} for a handshake`);
    }
    console.log(`  ${"a responder, together".padEnd(28)} ${floorUs.toFixed(0).padStart(7)} us`);
  }
}

function cpuUsOf(calls: number, run: () => unknown): number {
  const before = ownCpuUs();
  for (let i = 0; i < calls; i++) run();
  return (ownCpuUs() - before) / calls;
}

main();
