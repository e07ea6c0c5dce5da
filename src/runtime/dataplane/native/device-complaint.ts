import { brokerSocket } from "../../broker.ts";
import { ExitCode, OperatorError } from "../../operator-error.ts";
import type { DeviceWish } from "../../platform/platform.ts";
import { thisPlatform } from "../../platform/this-platform.ts";

/** The complaint about a program that speaks another version of the contract. */
export function wrongContract(binary: string, theirs: string, ours: string): OperatorError {
  return new OperatorError("data-plane-version", {
    what: "cannot use the data plane",
    why: `${binary} speaks ${theirs}, this lacis ${ours}`,
    todo: "build both from the same source: npm run build:native - or correct LACIS_DATAPLANE",
  });
}

/** The complaint about a command that the data plane refused while its devices were opened. */
export function refusedDevice(
  binary: string,
  about: DeviceRequest,
  { code, error }: { code: string; error: string },
): OperatorError {
  // What follows a semicolon is advice, and ours is the one that knows the configuration.
  const why = (error || code).split(";", 1)[0] ?? code;
  const { advice } = thisPlatform();
  if (about.device === "tun") {
    const what = `cannot create the TUN device ${about.name}`.trimEnd();
    const obstacle = advice.obstacleTo(about);
    if (obstacle) return new OperatorError("tun-impossible", { what, ...obstacle });
    switch (code) {
      case "not-permitted":
        return new OperatorError(
          "tun-not-permitted",
          { what, why, todo: advice.permitTun(binary) },
          ExitCode.notPermitted,
        );
      case "device-busy":
        return new OperatorError("tun-busy", {
          what,
          why,
          todo: advice.freeTun(),
        });
      case "no-such-device":
        return new OperatorError("tun-missing", {
          what,
          why,
          todo: advice.loadTun(),
        });
      default:
        return new OperatorError("tun-failed", { what, why, todo: advice.examineTun() });
    }
  }
  const what = `cannot listen on UDP port ${about.port}`;
  switch (code) {
    case "address-in-use":
      return portTaken(about.port);
    case "not-permitted":
      return new OperatorError(
        "udp-not-permitted",
        {
          what,
          why,
          todo: advice.permitPort(binary),
        },
        ExitCode.notPermitted,
      );
    default:
      return new OperatorError("udp-failed", {
        what,
        why,
        todo: "check listen.host: it must be an address of this machine, 0.0.0.0 or ::",
      });
  }
}

export type DeviceRequest =
  | ({ readonly device: "tun" } & DeviceWish)
  | { readonly device: "udp"; readonly port: number };

export function portTaken(port: number): OperatorError {
  const { sockets, advice } = thisPlatform();
  const what = `cannot listen on UDP port ${port}`;
  const holder = sockets.udpPortHolder(port);
  if (!holder) {
    const todo = advice.freePort(port, "listen.port");
    return new OperatorError("port-taken", { what, why: "another program uses it", todo });
  }
  const why = `${holder.name} uses it (pid ${holder.pid})`;
  // Whoever changes over has the same configuration, and so the same port.
  const todo =
    holder.name === "nebula"
      ? "to take its place, stop it first: systemctl disable --now nebula"
      : "stop it, or change listen.port";
  return new OperatorError("port-taken", { what, why, todo });
}

/** The complaint about a program that was started and is not there. */
export function silentDataPlane(binary: string, why: string): OperatorError {
  return new OperatorError("data-plane-failed", {
    what: `cannot start the data plane ${binary}`,
    why,
    todo:
      brokerSocket() === undefined
        ? "build it anew: npm run build:native"
        : "see whether the broker runs: systemctl status lacis-dataplane",
  });
}
