import { generator } from "../test/property/message1-forms.ts";
import { drawFrom } from "../test/property/stranger-ledger.ts";

/**
 * A million random and half-random datagrams that prove nothing, from a few dozen addresses: at no moment may more have gone to one than came from it. It
 * ends with an exception otherwise. About three minutes:
 *
 *     npm run fuzz:strangers [-- COUNT [SEED]]
 */
const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const begun = performance.now();
const { cameBytes, wentBytes, answers } = drawFrom(count, generator(seed));
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(
  `${count} datagrams in ${seconds} s, seed ${seed}: ${cameBytes} bytes came, ${wentBytes} went, ${answers} of them handshake answers; to no address more than came from it`,
);
