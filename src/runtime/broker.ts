import { OperatorError } from "./operator-error.ts";

/**
 * Where the broker listens that does for this process what takes the privilege to change the network (`lacis-dataplane broker`), by $LACIS_BROKER. Undefined:
 * this process does it by itself.
 */
export function brokerSocket(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment["LACIS_BROKER"];
  if (!path) return undefined;
  if (path.startsWith("/")) return path;
  throw new OperatorError("broker-missing", {
    what: "cannot ask the broker",
    why: `LACIS_BROKER is ${path}, which is not an absolute path`,
    todo: "correct LACIS_BROKER, or unset it to start the data plane from here",
  });
}

/** What the data plane's program does for others only where it has the privilege. */
const PRIVILEGED: ReadonlySet<string | undefined> = new Set(["guard", "routes", "changes"]);

/** The arguments with which this process runs a command of the data plane's program. */
export function throughBroker(args: readonly string[]): readonly string[] {
  const broker = brokerSocket();
  return broker !== undefined && PRIVILEGED.has(args[0]) ? ["ask", broker, ...args] : args;
}
