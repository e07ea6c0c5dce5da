import type { LoggingSettings } from "../../core/config/settings.ts";
import { type ConsoleCommand, failed, type Outcome, said } from "./command.ts";

const LEVELS: readonly LoggingSettings["level"][] = ["trace", "debug", "info", "warn", "error"];
const FORMATS: readonly LoggingSettings["format"][] = ["text", "json"];
const NO_MUTEXES = "There is nothing to profile: this runtime has no mutexes";

/** What concerns the process: its log, its profiles, its version. */
export const PROCESS_COMMANDS: readonly ConsoleCommand[] = [
  {
    name: "log-level",
    about: "Gets or sets the current log level",
    flags: [],
    run: ({ words: [text] }, host) => {
      const level = choose(text === "warning" ? "warn" : text, LEVELS);
      if (text !== undefined && !level)
        return failed(`Unknown log level [${text}]. Possible log levels: ${LEVELS.join(", ")}`);
      if (level) host.changeLogging({ level });
      return said(`Log level is: ${host.logging().level}`);
    },
  },
  {
    name: "log-format",
    about: "Gets or sets the current log format",
    flags: [],
    run: ({ words: [text] }, host) => {
      const format = choose(text, FORMATS);
      if (text !== undefined && !format)
        return failed(`Unknown log format [${text}]. Possible log formats: ${FORMATS.join(", ")}`);
      if (format) host.changeLogging({ format });
      return said(`Log format is: ${host.logging().format}`);
    },
  },
  {
    name: "version",
    about: "Prints the currently running version of lacis",
    flags: [],
    run: (_, host) => said(host.version),
  },
  {
    name: "start-cpu-profile",
    about: "Starts a cpu profile and write output to the provided file, ex: `lacis.cpuprofile`",
    flags: [],
    run: ({ words: [file] }, host) => profiled(file, "Started cpu profile", (path) => host.profiles.startCpu(path)),
  },
  {
    name: "stop-cpu-profile",
    about: "Stops a cpu profile and writes output to the previously provided file",
    flags: [],
    run: async (_, host) => {
      const trouble = await host.profiles.stopCpu();
      return trouble === undefined ? said("If a CPU profile was running it is now stopped") : failed(trouble);
    },
  },
  {
    name: "save-heap-profile",
    about: "Saves a heap profile to the provided path, ex: `lacis.heapprofile`",
    flags: [],
    run: ({ words: [file] }, host) => profiled(file, "Mem profile created", (path) => host.profiles.saveHeap(path)),
  },
  {
    name: "mutex-profile-fraction",
    about: "Gets or sets the fraction of mutex contention that is profiled: always 0, this runtime has none",
    flags: [],
    run: ({ words: [text] }) => (text === undefined ? said("Current value: 0") : failed(NO_MUTEXES)),
  },
  {
    name: "save-mutex-profile",
    about: "Saves a mutex profile: refused, this runtime has no mutexes",
    flags: [],
    run: () => failed(NO_MUTEXES),
  },
];

async function profiled(
  file: string | undefined,
  done: string,
  write: (file: string) => Promise<string | undefined>,
): Promise<Outcome> {
  if (file === undefined) return failed("No path to write profile provided");
  const trouble = await write(file);
  return trouble === undefined ? said(done) : failed(trouble);
}

function choose<Choice extends string>(text: string | undefined, choices: readonly Choice[]): Choice | undefined {
  return choices.find((choice) => choice === text?.toLowerCase());
}
