import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** What `npm run bench` is asked for. */
export interface Asked {
  readonly help: boolean;
  readonly list: boolean;
  readonly apps: boolean;
  readonly quick: boolean;
  /** Scenarios; undefined: all. */
  readonly only: readonly string[] | undefined;
  /** Engines; undefined: all that are there. */
  readonly engines: readonly string[] | undefined;
  /** Other Nebulas, by their programs. */
  readonly programs: readonly { readonly name: string; readonly path: string }[];
  /** The data plane that seals nothing. */
  readonly nullPath: string | undefined;
  /** Ours without a flow log, too. */
  readonly unlogged: boolean;
  readonly json: string | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly drops: number;
}

/** Rounds, seconds of each measurement, rounds that are done again. */
const FULL = { rounds: 6, seconds: 3, drops: 3 };
const QUICK = { rounds: 2, seconds: 1, drops: 1 };

/** Why nothing is measured: a comparison of less than was asked for would be taken for the whole one. */
export class Refused extends Error {}

/** Reads the command line. Throws `Refused` for what cannot be meant, and for programs that are not there. */
export function readAsked(args: readonly string[]): Asked {
  const { values } = parsed(args);
  const usual = values.quick ? QUICK : FULL;
  return {
    help: values.help ?? false,
    list: values.list ?? false,
    apps: values.apps ?? false,
    quick: values.quick ?? false,
    only: values.only?.split(","),
    engines: values.engines?.split(","),
    programs: (values.engine ?? []).map(program),
    nullPath: values.null === undefined ? undefined : present("--null", values.null),
    unlogged: values.unlogged ?? false,
    json: values.json,
    rounds: count("--rounds", values.rounds, usual.rounds, 1),
    seconds: count("--seconds", values.seconds, usual.seconds, 1),
    drops: count("--drops", values.drops, usual.drops, 0),
  };
}

/** Those of `all` that were asked for. Throws `Refused` when one of the names is nobody's. */
export function chosen<Named extends { readonly name: string }>(
  option: string,
  names: readonly string[] | undefined,
  all: readonly Named[],
): readonly Named[] {
  const known = all.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Refused(`${option} ${unknown} - there is none of this name - write one of ${known.join(", ")}`);
  return all.filter(({ name }) => names?.includes(name) ?? true);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean" },
        list: { type: "boolean" },
        apps: { type: "boolean" },
        quick: { type: "boolean" },
        only: { type: "string" },
        engines: { type: "string" },
        engine: { type: "string", multiple: true },
        null: { type: "string" },
        against: { type: "string" },
        unlogged: { type: "boolean" },
        json: { type: "string" },
        rounds: { type: "string" },
        seconds: { type: "string" },
        drops: { type: "string" },
      },
    });
  } catch (error) {
    throw new Refused(`${error instanceof Error ? error.message : String(error)} - see --help`);
  }
}

function program(given: string): { name: string; path: string } {
  const at = given.indexOf("=");
  if (at <= 0) throw new Refused(`--engine ${given} - it has no name - write NAME=PATH`);
  return { name: given.slice(0, at), path: present(`--engine ${given.slice(0, at)}`, given.slice(at + 1)) };
}

function present(option: string, path: string): string {
  if (!existsSync(path)) throw new Refused(`${option} - there is no ${path} - give the path of the program`);
  // Hosts run it from folders of their own.
  return resolve(path);
}

function count(option: string, given: string | undefined, usual: number, least: number): number {
  const value = Number(given ?? usual);
  if (!Number.isInteger(value) || value < least)
    throw new Refused(`${option} ${given} - it is no count - write ${least} or more`);
  return value;
}
