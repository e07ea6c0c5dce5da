import { formatConfigError, wholeFileError } from "../../core/config/document/config-error.ts";
import { readClock } from "../../runtime/clock.ts";
import { type ConfigCheck, checkConfig } from "../../runtime/config/config-file.ts";
import { nodeSuite } from "../../runtime/node-crypto.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import { reportOf } from "./diagnose.ts";
import { portTaken } from "./port-taken.ts";
import { type DoctorReport, doubtful, type Finding, failed, passed, type Stage } from "./report.ts";

const SAY_WHICH = "lacis doctor --config FILE";

/** Why no daemon runs: what a start would say about the configuration and this machine. */
export async function withoutDaemon(host: string | undefined, config: string | undefined): Promise<DoctorReport> {
  const found = config === undefined ? undefined : checkConfig(config, { suite: nodeSuite, wall: readClock().wall });
  const obstacle = found?.config && (await obstacleTo(found.config.settings));
  const look = (stage: Stage): Finding => {
    switch (stage) {
      case "configuration":
        return found && config !== undefined
          ? configuration(found, config)
          : doubtful("which one is meant is not said", SAY_WHICH);
      case "certificate":
        return found ? certificate(found) : doubtful("not known without a configuration", SAY_WHICH);
      default:
        return failed(
          obstacle === undefined ? "lacis does not run" : `lacis does not run, and would not start: ${obstacle.why}`,
          obstacle?.todo ?? `sudo lacis run --config ${config ?? "FILE"}`,
        );
    }
  };
  const peer = host === undefined ? null : { asked: host, name: null, address: null };
  return { peer, ...reportOf(look, host !== undefined) };
}

function configuration({ errors, warnings }: ConfigCheck, config: string): Finding {
  const [first, ...more] = errors.filter((error) => !isAboutIdentity(error.path));
  if (first) {
    const others = more.length === 0 ? "" : `, and ${more.length} more`;
    const unread = wholeFileError(errors);
    if (unread) return failed(unread.what, unread.todo);
    return failed(`${formatConfigError(first)}${others}`, `correct it, then: lacis check ${config}`);
  }
  const [warning] = warnings;
  return warning ? doubtful(formatConfigError(warning), `lacis check ${config}`) : passed(`${config} can be read`);
}

function certificate({ errors, config }: ConfigCheck): Finding {
  const error = errors.find(({ path }) => isAboutIdentity(path));
  if (error) return failed(formatConfigError(error), error.todo);
  return passed(config ? config.settings.live.identity.credential.name : "");
}

function isAboutIdentity(path: string): boolean {
  return path === "pki" || path.startsWith("pki.");
}

interface Obstacle {
  readonly why: string;
  readonly todo: string;
}

async function obstacleTo({
  boot,
  live,
}: NonNullable<ConfigCheck["config"]>["settings"]): Promise<Obstacle | undefined> {
  const { advice } = thisPlatform();
  const { port, host } = boot.listen;
  const taken = await portTaken(port, typeof host === "string" ? host : undefined);
  if (taken) return { why: `UDP port ${port} is taken by another process`, todo: advice.freePort(port, "listen.port") };
  if (boot.tun.disabled) return undefined;
  const ipv6 = live.identity.credential.addresses.some((address) => address.includes(":"));
  return advice.obstacleTo({ name: boot.tun.device, ipv6 });
}
