/**
 * `certificate-tool MODULE`: obeys command lines of `lacis-cert` one after the other in one process, each as if it were a process of its own. A line of standard input
 * is a request, a line of standard output what came of it.
 */
import { createInterface } from "node:readline";

interface Request {
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

const { main }: { main(args: readonly string[]): Promise<number> } = await import(process.argv[2] ?? "");
const tell = process.stdout.write.bind(process.stdout);
const own = { ...process.env };

for await (const line of createInterface(process.stdin)) {
  const { args, directory, environment }: Request = JSON.parse(line);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    process[stream].write = (chunk: string | Uint8Array) => {
      said[stream] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
      return true;
    };
  }
  process.chdir(directory);
  Object.assign(process.env, environment);
  let status = 1;
  try {
    status = await main(args);
  } catch (error) {
    said.stderr += error instanceof Error ? error.stack : String(error);
  }
  for (const name of Object.keys(environment)) {
    if (own[name] === undefined) delete process.env[name];
    else process.env[name] = own[name];
  }
  tell(`${JSON.stringify({ status, ...said })}\n`);
}
