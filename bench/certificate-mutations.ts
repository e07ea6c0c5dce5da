import { mutateCertificates } from "../test/property/certificate-mutations.ts";

/**
 * A million changed certificates, of both versions and curves, as bytes, in handshakes and as PEM: none may be taken for another one or escape the
 * blocklist, none may crash or hang. About three minutes:
 *
 *     npm run fuzz:certificates [-- COUNT [SEED]]
 */
const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const begun = performance.now();
const { mutations, decoded, accepted } = mutateCertificates(count, seed);
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(
  `${mutations} mutations in ${seconds} s, seed ${seed}: ${decoded} could be read, ${accepted} were accepted, each the original or its other form`,
);
