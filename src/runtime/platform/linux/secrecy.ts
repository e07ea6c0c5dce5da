import { writeFileSync } from "node:fs";
import type { Secrecy } from "../platform.ts";

export const SECRECY: Secrecy = {
  // Which kinds of memory are dumped (core(5)): none. Node has no other way to say so of itself, and unlike a limit on the size of
  // dumps it also holds where they are piped to a program.
  keepOutOfDumps: () => writeFileSync("/proc/self/coredump_filter", "0"),
};
