import type { Direction, LinkWeather } from "../underlay/link.ts";
import type { Host } from "../world/host.ts";
import type { Fault, Stage } from "./faults.ts";

/** What goes wrong between hosts and around them, where there is an underlay with sites and links. */
export const underlayFaults: readonly Fault[] = [
  stormOnLink,
  cutLink,
  narrowPath,
  rebootRouter,
  moveToOtherSite,
  sleep,
];

/** What changes a host's network where it is. */
export const networkChanges: readonly Fault[] = [changeAddress, changeIpv6Address, flap];

/** One direction of one link, or both, gets bad for a while. */
function stormOnLink(stage: Stage): void {
  const { agenda, random, journal } = stage;
  const storm: Partial<LinkWeather> = {
    loss: random.pick([0, 0.1, 0.3]),
    duplicate: random.pick([0, 0.2]),
    corrupt: random.pick([0, 0, 0.1]),
    reorder: random.pick([0, 0.3]),
    delayMs: random.pick([5, 60, 250]),
    jitterMs: random.pick([0, 40, 200]),
    rate: random.pick([Number.POSITIVE_INFINITY, 20, 4]),
  };
  const directions = someDirections(stage);
  journal.value(agenda.now, "world", "storm", { storm, directions: directions.length });
  for (const direction of directions) changeFor(stage, direction, { ...direction.weather, ...storm });
}

/** Large datagrams vanish on one link: nobody is told (reliability 3, MTU black hole). */
function narrowPath(stage: Stage): void {
  const mtu = stage.random.between(500, 1_200);
  stage.journal.value(stage.agenda.now, "world", "narrow path", mtu);
  for (const direction of someDirections(stage)) changeFor(stage, direction, { ...direction.weather, mtu });
}

function cutLink(stage: Stage): void {
  const { agenda, random, journal } = stage;
  const directions = someDirections(stage);
  journal.value(agenda.now, "world", "cut", directions.length);
  for (const direction of directions) direction.cut = true;
  agenda.after(random.between(500, 12_000), () => {
    for (const direction of directions) direction.cut = false;
  });
}

/** A router forgets every mapping; its provider may give it another address. */
function rebootRouter({ agenda, random, journal, underlay }: Stage): void {
  const sites = [...underlay.routers.keys()];
  if (sites.length === 0) return;
  const site = random.pick(sites);
  const newAddress = random.chance(0.5);
  underlay.reboot(site, { newAddress });
  journal.value(agenda.now, "world", "router reboots", { site, newAddress });
}

/** From one home to another, or out into the open. */
function moveToOtherSite({ agenda, random, journal, hosts, underlay }: Stage): void {
  const host = random.pick(wanderers(hosts));
  const routers = [...underlay.routers.keys()];
  const site = random.chance(0.3) || routers.length === 0 ? undefined : random.pick(routers);
  host.move(underlay.move(host.role, site));
  journal.value(agenda.now, host.name, "fault", `moves to ${site ?? "the internet"} as ${host.endpoint}`);
}

/** The lease ends, and the next one is another: a new address behind the same router. */
function changeAddress({ agenda, random, journal, hosts, underlay }: Stage): void {
  const host = random.pick(wanderers(hosts));
  host.move(underlay.move(host.role, underlay.siteOf(host.name)));
  journal.value(agenda.now, host.name, "fault", `is ${host.endpoint} from now on`);
}

/** A temporary address ends, or the provider's prefix is another one (RFC 8981, 8415); IPv4 stays. */
function changeIpv6Address({ agenda, random, journal, hosts, underlay }: Stage): void {
  const host = random.pick(wanderers(hosts));
  host.move(underlay.renumber(host.role, host.spot));
  journal.value(agenda.now, host.name, "fault", `is ${host.endpoints.join(" and ")} from now on`);
}

/** A bad cable: out and in again, a few times in a row, and now and then with another address. */
function flap(stage: Stage): void {
  const { agenda, random, journal, hosts, underlay, end } = stage;
  const host = random.pick(wanderers(hosts));
  const times = random.between(2, 10);
  journal.value(agenda.now, host.name, "fault", `loses its network ${times} times`);
  for (let i = 0, at = agenda.now; i < times; i++, at += random.between(300, 3_000)) {
    const ms = random.between(50, 1_000);
    const moves = random.chance(0.2);
    if (at + ms >= end) return;
    agenda.at(at, () => {
      host.unplug(ms);
      if (moves) host.move(underlay.move(host.role, underlay.siteOf(host.name)));
    });
  }
}

function sleep({ agenda, random, journal, hosts, end }: Stage): void {
  const host = random.pick(wanderers(hosts));
  const ms = Math.min(random.between(500, 15_000), end - agenda.now - 1);
  if (ms <= 0) return;
  journal.value(agenda.now, host.name, "fault", `sleeps for ${ms} ms`);
  host.sleep(ms);
}

function changeFor({ agenda, random }: Stage, direction: Direction, weather: LinkWeather): void {
  const before = direction.weather;
  direction.weather = weather;
  agenda.after(random.between(500, 8_000), () => {
    // Overlapping storms: the last one to end must not bring back the one before.
    if (direction.weather === weather) direction.weather = before;
  });
}

function someDirections({ random, underlay }: Stage): readonly Direction[] {
  const { up, down } = random.pick(underlay.links);
  return random.pick([[up], [down], [up, down]]);
}

function wanderers(hosts: readonly Host[]): readonly Host[] {
  return hosts.filter(({ role }) => !role.lighthouse);
}
