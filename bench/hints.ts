import { tryHints } from "../test/property/hints.ts";

// Does what `lacis check` advises on mutated configurations until nothing is left to do (`npm run fuzz:hints`). ROUNDS=n: how many; SEED=n: from where.

const rounds = Number(process.env["ROUNDS"] ?? 10_000);
const first = Number(process.env["SEED"] ?? 0);
let obeyed = 0;
let mended = 0;
let broken = 0;
let wrong = 0;
for (let seed = first; seed < first + rounds; seed++) {
  const { mutations, obeyed: steps, complaints, errors } = tryHints(seed);
  obeyed += steps;
  if (errors[0] > 0) broken++;
  if (errors[0] > 0 && errors[1] === 0) mended++;
  if (complaints.length === 0) continue;
  wrong++;
  console.log(`seed ${seed}: ${mutations.join("; ")}\n  ${complaints.join("\n  ")}`);
}
console.log(
  `${rounds} mutated configurations, ${broken} with errors: ${obeyed} hints obeyed, ${mended} without an error afterwards, ${wrong} with a hint that made it worse or did not help`,
);
process.exitCode = wrong === 0 ? 0 : 1;
