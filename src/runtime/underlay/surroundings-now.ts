import { type StartWatch, startWatch } from "../native-watch.ts";
import { OperatorError } from "../operator-error.ts";
import { readSurroundings, type Surroundings, surroundingsByNode } from "./interfaces.ts";

/** It tells within a few milliseconds. */
const FIRST_MS = 500;

/** What is below the overlay at this moment, for a program that is no daemon: as the kernel tells, or as far as Node.js can where nothing here asks it. */
export async function surroundingsNow(spawn: StartWatch = startWatch): Promise<Surroundings> {
  return (await toldByKernel(spawn)) ?? surroundingsByNode();
}

function toldByKernel(spawn: StartWatch): Promise<Surroundings | undefined> {
  return new Promise((resolve) => {
    const end = (found: Surroundings | undefined): void => {
      clearTimeout(late);
      resolve(found);
      void watch?.end();
    };
    const late = setTimeout(() => end(undefined), FIRST_MS);
    let watch: ReturnType<StartWatch> | undefined;
    try {
      watch = spawn(["underlay", "watch"], {
        line: (text) => end(readSurroundings(text)),
        ended: () => end(undefined),
      });
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      end(undefined);
    }
  });
}
