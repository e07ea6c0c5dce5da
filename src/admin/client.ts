import { createConnection, type Socket } from "node:net";
import { ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { refuseForeignSocket } from "../runtime/state/trust.ts";
import {
  ADMIN_SCHEMA,
  type AdminError,
  type AdminRequest,
  type AdminResponse,
  RESPONSE_BYTES_MAX,
} from "./protocol.ts";

/**
 * Asks a daemon one thing and gives its `result`; every failure is an OperatorError with the right exit code. The whole answer has to be there in
 * time, so that one that comes in drops holds nobody up.
 */
export async function askDaemon(socketPath: string, request: AdminRequest, timeoutMs: number): Promise<unknown> {
  let deadline: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const socket = open(socketPath, request, (response) => {
        socket.destroy();
        if (response instanceof OperatorError) reject(response);
        else if ("result" in response) resolve(response.result);
        else reject(garbled("its answer is that of another question"));
      });
      deadline = setTimeout(() => {
        socket.destroy();
        reject(silent(timeoutMs));
      }, timeoutMs);
    });
  } finally {
    clearTimeout(deadline);
  }
}

/** What a stream brings. `lost`: so many were left out here, because we did not keep up. */
export interface Follower {
  readonly heard: (result: unknown) => void;
  readonly lost: (count: number) => void;
}

/**
 * Follows a stream of the daemon. It never ends well by itself: rejects when the daemon refuses, stops or is gone. `firstMs`: how long it may take to
 * begin, for a stream that begins at once.
 */
export async function followDaemon(
  socketPath: string,
  request: AdminRequest,
  follower: Follower,
  firstMs?: number,
): Promise<never> {
  return new Promise((_, reject) => {
    const take = (response: Answer | OperatorError): void => {
      clearTimeout(deadline);
      if ("result" in response) follower.heard(response.result);
      else if ("lost" in response) follower.lost(response.lost);
      else {
        socket.destroy();
        reject(response instanceof OperatorError ? response : ended("it was stopped"));
      }
    };
    const socket = open(socketPath, request, take, ended("the connection broke off: it crashed or was killed"));
    const deadline =
      firstMs === undefined
        ? undefined
        : setTimeout(() => {
            socket.destroy();
            reject(silent(firstMs));
          }, firstMs);
  });
}

/** What to say when nobody answers on the socket. `todo`: what begins it. */
export function notRunning(where: string, todo = "start it with: sudo lacis run --config FILE"): OperatorError {
  return new OperatorError(
    "not-running",
    {
      what: "lacis is not running",
      why: `nobody answers ${where}`,
      todo,
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

type Answer = Extract<AdminResponse, { ok: true }>;

/** Sends a request. `take` gets each line of the answer, or what is wrong; `gone`: the daemon went away under way. */
function open(
  socketPath: string,
  request: AdminRequest,
  take: (response: Answer | OperatorError) => void,
  gone?: OperatorError,
): Socket {
  try {
    refuseForeignSocket(socketPath);
  } catch (error) {
    throw unreachable(socketPath, error);
  }
  const socket = createConnection(socketPath);
  let waiting = "";
  const finish = (error: OperatorError): void => {
    if (!socket.destroyed) take(error);
  };
  socket.setEncoding("utf8");
  socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
  socket.on("data", (text: string) => {
    waiting += text;
    for (let end = waiting.indexOf("\n"); end >= 0 && !socket.destroyed; end = waiting.indexOf("\n")) {
      const line = waiting.slice(0, end);
      waiting = waiting.slice(end + 1);
      take(readResponse(line));
    }
    if (waiting.length > RESPONSE_BYTES_MAX) finish(garbled("its answer does not end"));
  });
  socket.on("end", () => finish(gone ?? hungUp()));
  socket.on("error", (error) => take(unreachable(socketPath, error, gone)));
  return socket;
}

function unreachable(socketPath: string, error: unknown, gone?: OperatorError): OperatorError {
  if (error instanceof OperatorError) return error;
  switch (systemCode(error)) {
    case "EACCES":
    case "EPERM":
      return notPermitted(socketPath);
    case "ECONNRESET":
    case "EPIPE":
      return gone ?? hungUp();
    // What the kernel says of a queue that is full of those who wait to be let in.
    case "EAGAIN":
      return busy();
    default:
      return notRunning(`on ${socketPath}`);
  }
}

function readResponse(line: string): Answer | OperatorError {
  try {
    const response = JSON.parse(line) as AdminResponse;
    if (response.schema === ADMIN_SCHEMA) return response.ok ? response : complaintOf(response.error);
  } catch {
    // Not ours: said below.
  }
  return garbled("its answer is not one of this version");
}

function complaintOf({ code, exitCode, ...complaint }: AdminError): OperatorError {
  return new OperatorError(code, complaint, exitCode);
}

function ended(why: string): OperatorError {
  const todo = "start it again with: sudo lacis run --config FILE";
  return new OperatorError("daemon-ended", { what: "the daemon has ended", why, todo }, ExitCode.notRunning);
}

function silent(timeoutMs: number): OperatorError {
  return new OperatorError("daemon-silent", {
    what: "the daemon does not answer",
    why: `it was silent for ${Math.round(timeoutMs / 1000)} s`,
    todo: "see its log, and restart it if need be: tunnels go on meanwhile",
  });
}

function hungUp(): OperatorError {
  return new OperatorError("daemon-hung-up", {
    what: "the daemon does not answer",
    why: "it closed the connection without an answer: it stops, or too many ask it",
    todo: "try again in a few seconds",
  });
}

function busy(): OperatorError {
  return new OperatorError("daemon-busy", {
    what: "the daemon does not answer",
    why: "too many wait for it already",
    todo: "try again in a few seconds, and see its log",
  });
}

function garbled(why: string): OperatorError {
  return new OperatorError("daemon-garbled", {
    what: "cannot understand the daemon",
    why,
    todo: "compare the versions: lacis version",
  });
}
