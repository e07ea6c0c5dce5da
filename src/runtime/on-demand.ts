import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** A CommonJS package that most hosts never need: it takes time to start and memory from those only that use it. */
export function onDemand<Package>(name: string): () => Package {
  let loaded: Package | undefined;
  return () => {
    loaded ??= load(name) as Package;
    return loaded;
  };
}
