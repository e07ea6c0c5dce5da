import { createConnection } from "node:net";
import { ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { ADMIN_SCHEMA, type AdminRequest, type AdminResponse, RESPONSE_BYTES_MAX } from "./protocol.ts";

/** Asks a daemon one thing and gives its `result`; every failure is an OperatorError with the right exit code. */
export async function askDaemon(socketPath: string, request: AdminRequest, timeoutMs: number): Promise<unknown> {
  const response = readResponse(await exchange(socketPath, `${JSON.stringify(request)}\n`, timeoutMs));
  if (response.ok) return response.result;
  const { code, exitCode, ...complaint } = response.error;
  throw new OperatorError(code, complaint, exitCode);
}

/** What to say when nobody answers on the socket. */
export function notRunning(where: string): OperatorError {
  return new OperatorError(
    "not-running",
    {
      what: "lacis is not running",
      why: `nobody answers ${where}`,
      todo: "start it with: sudo lacis run --config FILE",
    },
    ExitCode.notRunning,
  );
}

export function notPermitted(path: string): OperatorError {
  return new OperatorError(
    "not-permitted",
    {
      what: "cannot ask the daemon",
      why: `no permission to open ${path}`,
      todo: "put sudo in front - or join the group that may: sudo usermod -aG lacis $USER (docs/CLI.md)",
    },
    ExitCode.notPermitted,
  );
}

async function exchange(socketPath: string, line: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = createConnection(socketPath);
    const finish = (outcome: string | OperatorError): void => {
      socket.destroy();
      if (typeof outcome === "string") resolve(outcome);
      else reject(outcome);
    };
    socket.setTimeout(timeoutMs, () => finish(silent(timeoutMs)));
    socket.on("connect", () => socket.write(line));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (chunk.includes(0x0a)) finish(Buffer.concat(chunks).toString("utf8"));
      else if (bytes > RESPONSE_BYTES_MAX) finish(garbled("its answer does not end"));
    });
    socket.on("end", () => finish(garbled("it closed the connection without an answer")));
    socket.on("error", (error) => {
      const denied = systemCode(error) === "EACCES" || systemCode(error) === "EPERM";
      finish(denied ? notPermitted(socketPath) : notRunning(`on ${socketPath}`));
    });
  });
}

function readResponse(line: string): AdminResponse {
  try {
    const response = JSON.parse(line) as AdminResponse;
    if (response.schema === ADMIN_SCHEMA) return response;
  } catch {
    // Not ours: said below.
  }
  throw garbled("its answer is not one of this version");
}

function silent(timeoutMs: number): OperatorError {
  return new OperatorError("daemon-silent", {
    what: "the daemon does not answer",
    why: `it was silent for ${Math.round(timeoutMs / 1000)} s`,
    todo: "see its log, and restart it if need be: tunnels go on meanwhile",
  });
}

function garbled(why: string): OperatorError {
  return new OperatorError("daemon-garbled", {
    what: "cannot understand the daemon",
    why,
    todo: "compare the versions: lacis version",
  });
}
