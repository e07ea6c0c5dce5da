import { resolve } from "node:path";
import type { Settings } from "../core/config/settings.ts";
import type { LighthouseService } from "../core/discovery/service.ts";
import type {
  Inquiry,
  InquiryResult,
  NodeDetails,
  NodeStatus,
  OperatorOrder,
  PingResult,
  PingTarget,
} from "../core/io.ts";
import type { NamedHost } from "../core/node/directory.ts";
import type { StatusOf } from "../core/node/status.ts";
import type { UsedRule } from "../core/node/used-rules.ts";
import { Node } from "../core/node.ts";
import { BulletinDesk } from "./bulletins/bulletin-desk.ts";
import { CaptureDesk } from "./capture/capture-desk.ts";
import { type CarrierDescription, CarrierService } from "./carrier/carrier-service.ts";
import { readClock } from "./clock.ts";
import type { LoadedSettings } from "./config/config-file.ts";
import { loadConfig, previewOf, type ReloadPreview } from "./config/refusable.ts";
import { type ReloadOutcome, RunningConfig } from "./config/running-config.ts";
import { ConsoleService } from "./console/console-service.ts";
import { cryptography, daemonSuite } from "./crypto/daemon-suite.ts";
import { type DataPlane, type DataPlaneDescription, socketBuffers } from "./dataplane/data-plane.ts";
import { dataPlaneService } from "./dataplane/data-plane-service.ts";
import { openDataPlane } from "./dataplane/open-data-plane.ts";
import { DnsService } from "./dns/dns-service.ts";
import { HostNames, type HostNamesDescription } from "./dns/host-names.ts";
import { Driver } from "./driver.ts";
import { FlowLog } from "./flowlog/flow-log.ts";
import { Guard, type GuardDescription } from "./guard/guard.ts";
import { withListenAddress } from "./listen-address.ts";
import { EventFeed } from "./log/event-feed.ts";
import { Log } from "./log/log.ts";
import { measuring } from "./measuring.ts";
import type { MetricsService } from "./metrics/metrics-service.ts";
import { OperatorError } from "./operator-error.ts";
import { packageVersion } from "./package-root.ts";
import { thisPlatform } from "./platform/this-platform.ts";
import type { PortMapping, PortMappingState } from "./port-mapping/port-mapping.ts";
import { proxyService } from "./proxy/proxy-service.ts";
import { Resolver } from "./resolver.ts";
import { deviceServices } from "./routes/device-services.ts";
import type { Routes } from "./routes/routes.ts";
import { type Service, type ServiceStatus, Services } from "./service.ts";
import { type ClaimedState, claimState } from "./state/claim-state.ts";
import { Memory } from "./state/memory.ts";
import { bulletinsFile, flowLogFolder, placesFile, type StateDirectory, stateName } from "./state/state-directory.ts";
import { ownPlace } from "./underlay/own-place.ts";
import { wakeWatch } from "./underlay/wake-watch.ts";
import { unlessTooMany } from "./unless-too-many.ts";

export interface DaemonOptions {
  /** Configuration file or folder. */
  readonly config: string;
  /** Instead of the state directory that follows from the configuration's path. */
  readonly stateDirectory?: string | undefined;
  /** Makes the service that answers for others, on a host with `am_lighthouse`. */
  readonly lighthouse: (settings: Settings) => LighthouseService;
  /** Services on top of the daemon's own: started last, stopped first. */
  readonly services?: ((daemon: Daemon) => readonly Service[]) | undefined;
}

/**
 * One running host: configuration, lock, node, and the services around it. Nothing moves before the rules stand: the data plane knows no
 * tunnel, and so forwards nothing, until the node has installed one, and a tunnel names the rules that it is under.
 */
export class Daemon {
  readonly state: StateDirectory;
  readonly events: EventFeed = new EventFeed();
  readonly startedAt: number = Date.now();
  readonly flowLog: FlowLog;
  readonly captures: CaptureDesk;
  readonly bulletins: BulletinDesk;
  readonly metrics: MetricsService;
  readonly log: Log;
  readonly #running: RunningConfig;
  readonly #claimed: ClaimedState;
  readonly #dataPlane: DataPlane;
  readonly #driver: Driver;
  readonly #carrier: CarrierService;
  readonly #guard: Guard;
  readonly #routes: Routes;
  readonly #portMapping: PortMapping;
  readonly #names: HostNames;
  readonly #services: Services;
  #refusedReload: string | undefined;

  /** Starts a host; everything that can be wrong is an OperatorError, and leaves nothing behind. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const config = resolve(options.config);
    const written = loadConfig(config, daemonSuite());
    const loaded = { ...written, settings: await withListenAddress(written.settings) };
    const claimed = claimState(config, options.stateDirectory);
    try {
      const dataPlane = await openDataPlane(loaded.settings, claimed.state);
      const daemon = new Daemon({ ...options, config }, loaded, claimed, dataPlane);
      await daemon.#start();
      return daemon;
    } catch (error) {
      claimed.release();
      throw error;
    }
  }

  private constructor(options: DaemonOptions, loaded: LoadedSettings, claimed: ClaimedState, dataPlane: DataPlane) {
    const { settings } = loaded;
    this.state = claimed.state;
    this.#claimed = claimed;
    this.#running = new RunningConfig(options.config, loaded);
    this.#dataPlane = dataPlane;
    this.log = new Log(loaded.logging);
    const resolver = new Resolver({
      settings: () => this.#running.settings.live.staticMap,
      resolved: (name, addresses) => this.#driver.feed({ kind: "resolved", name, addresses }),
    });
    const node = new Node(settings, {
      ...cryptography(),
      clock: readClock(),
      ...(settings.boot.lighthouse.amLighthouse && { lighthouse: options.lighthouse(settings) }),
    });
    this.flowLog = new FlowLog(loaded, {
      folder: flowLogFolder(options.config, options.stateDirectory),
      host: () => this.#running.settings.live.identity.credential.name,
      list: () => dataPlane.command({ kind: "list-flows" }),
    });
    this.captures = new CaptureDesk(dataPlane);
    const {
      meter,
      metrics,
      services: tellers,
    } = measuring(loaded, {
      flowLog: this.flowLog,
      startedAt: this.startedAt,
      look: () => ({
        node: this.#driver.status(),
        usedRules: this.#driver.rules(),
        settings: this.#running.settings,
        dataPlane: dataPlane.describe(),
        sockets: thisPlatform().sockets.memoryOf(dataPlane.describe().port, socketBuffers(dataPlane, settings)),
        version: packageVersion(),
        startedAt: this.startedAt,
        now: Date.now(),
      }),
      tell: (event) => this.events.tell(event),
    });
    this.metrics = metrics;
    this.events.listen((notice) => {
      this.log.notice(notice);
      meter.heard(notice);
    });
    this.#driver = new Driver(node, {
      clock: readClock,
      command: (command) => {
        meter.command(command);
        dataPlane.command(command);
      },
      heard: (event) => meter.event(event),
      resolve: (name) => resolver.resolve(name),
      tell: (event) => this.events.tell(event),
      carrier: (order) => this.#carrier.order(order),
      bulletins: (held) => this.bulletins.held(held),
      captured: (packets, lost) => this.captures.heard(packets, lost),
      flows: (stories, untold) => this.flowLog.heard(stories, untold),
      openFlows: (stories, isLast) => this.flowLog.listed(stories, isLast),
    });
    /** The data plane, while there is one. */
    const standing = (): DataPlaneDescription | undefined => {
      const described = dataPlane.describe();
      return described.state === "up" ? described : undefined;
    };
    this.#carrier = new CarrierService(settings, {
      feed: (input) => this.#driver.feed(input),
      tell: (event) => this.events.tell(event),
      dataPlanePort: () => standing()?.port,
    });
    const { underlay, portMapping } = ownPlace(settings, {
      feed: (input) => this.#driver.feed(input),
      tell: (event) => this.events.tell(event),
    });
    this.#portMapping = portMapping;
    const memory = new Memory({
      // Hosts tell a lighthouse where they are.
      path: settings.boot.lighthouse.amLighthouse ? undefined : placesFile(options.config, options.stateDirectory),
      recalled: (hosts) => this.#driver.feed({ kind: "recalled", hosts }),
      remembered: () => this.#driver.remembered(),
      tell: (event) => this.events.tell(event),
    });
    this.bulletins = new BulletinDesk({
      path: bulletinsFile(options.config, options.stateDirectory),
      feed: (news) => this.#driver.feed({ kind: "bulletins", news }),
      publish: (bulletin) => this.#driver.publish(bulletin),
      tell: (event) => this.events.tell(event),
    });
    const wake = wakeWatch((asleepMs) => this.#driver.feed({ kind: "woke", asleepMs }));
    this.#guard = new Guard(settings, {
      state: claimed.state,
      owner: stateName(options.config),
      tell: (event) => this.events.tell(event),
    });
    const dns = new DnsService({
      settings: () => this.#running.settings,
      directory: () => this.#driver.directory(),
      find: (name) => this.#driver.find(name),
      now: () => readClock().now,
      tell: (event) => this.events.tell(event),
    });
    const device = (): string | undefined => standing()?.device;
    this.#names = new HostNames(settings, {
      owner: stateName(options.config),
      device,
      answersAt: (address) => dns.answersAt(address),
      tell: (event) => this.events.tell(event),
    });
    const aroundDevice = deviceServices(settings, {
      device,
      gone: () => dataPlane.renew(),
      changed: () => this.#guard.lookAgain(),
      learned: (routes) => this.#driver.feed({ kind: "system-routes", routes }),
      tell: (event) => this.events.tell(event),
    });
    this.#routes = aroundDevice.routes;
    // The connections go after the data plane: its farewells go over them, too.
    const below = [this.log, this.flowLog, this.bulletins, resolver, underlay, wake, this.#guard, this.#carrier];
    const onTop = options.services?.(this) ?? [];
    const console = new ConsoleService(
      loaded,
      {
        details: () => this.details(),
        status: () => this.#driver.status(),
        order: (order) => this.order(order),
        reload: () => this.reload(),
        logging: () => this.log.settings,
        changeLogging: (change) => this.log.reload({ logging: { ...this.log.settings, ...change } }),
        device: () => dataPlane.describe().device,
        version: packageVersion(),
      },
      (event) => this.events.tell(event),
    );
    const plane = dataPlaneService(dataPlane, this.#driver, () => {
      aroundDevice.isUp();
      this.#names.deviceIsUp();
      this.captures.dataPlaneIsUp();
      this.#portMapping.listening(dataPlane.describe().port);
    });
    this.#services = new Services([
      ...below,
      plane,
      memory,
      this.#portMapping,
      ...aroundDevice.services,
      ...tellers,
      dns,
      this.#names,
      console,
      proxyService(claimed.state, this.#running, this.#driver),
      ...onTop,
    ]);
  }

  /** The file or folder of the configuration. */
  get config(): string {
    return this.#running.path;
  }

  /** In force. */
  get settings(): Settings {
    return this.#running.settings;
  }

  /** Whether what moves packets answers. */
  isMovingPackets(): Promise<boolean> {
    return this.#dataPlane.answers();
  }

  /** How programs on this host find names of the overlay. */
  hostNames(): Promise<HostNamesDescription> {
    return this.#names.describe();
  }

  details(): NodeDetails {
    return this.#driver.details();
  }

  /** What an operator wants done about one host. */
  order(order: OperatorOrder): void {
    this.#driver.feed({ kind: "order", order });
  }

  /** Names of hosts that are known by their certificates. */
  names(): readonly string[] {
    return this.#driver.directory().map(({ name }) => name);
  }

  status(whom: StatusOf = "everybody"): NodeStatus {
    return this.#driver.status(whom);
  }

  /** The port of the router in front that leads to this host, or why there is none. */
  get portMapping(): PortMappingState {
    return this.#portMapping.state;
  }

  /** Every rule of the configuration, with what it has allowed. */
  rules(): readonly UsedRule[] {
    return this.#driver.rules();
  }

  /** Everybody that this host knows by a certificate, itself first. */
  directory(): readonly NamedHost[] {
    return this.#driver.directory();
  }

  services(): readonly ServiceStatus[] {
    return this.#services.status();
  }

  dataPlane(): DataPlaneDescription {
    return this.#dataPlane.describe();
  }

  carriers(): CarrierDescription {
    return this.#carrier.describe();
  }

  /** Undefined on a host without a device. */
  guard(): GuardDescription | undefined {
    return this.#guard.describe();
  }

  get refusedReload(): string | undefined {
    return this.#refusedReload;
  }

  get needsRestart(): readonly string[] {
    return this.#running.needsRestart;
  }

  async ping(target: PingTarget, timeoutMs: number): Promise<PingResult> {
    return unlessTooMany(await this.#driver.ping(target, timeoutMs), "pings");
  }

  /** What both ends would do with a packet. */
  async inquire(inquiry: Inquiry, timeoutMs: number): Promise<InquiryResult> {
    return unlessTooMany(await this.#driver.inquire(inquiry, timeoutMs), "questions");
  }

  /** Reads the configuration again and applies all of it. Throws, and changes nothing, when it has an error. */
  reload(): ReloadOutcome {
    try {
      const { next, plan } = this.#running.plan();
      this.#routes.change(next.settings);
      const outcome = this.#running.apply(next, plan);
      this.#refusedReload = undefined;
      this.#services.reload(this.#running.loaded);
      const { applied, needsRestart } = outcome;
      this.events.tell({ code: "reload-applied", applied, needsRestart });
      return outcome;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const { complaint } = error;
      this.#refusedReload = complaint.details?.[0] ?? error.message;
      this.events.tell({ code: "reload-refused", complaint, first: this.#refusedReload });
      throw error;
    }
  }

  /** What a reload would do now. Throws as it would. */
  diff(): ReloadPreview {
    const { next, plan } = this.#running.plan();
    return previewOf(plan, next);
  }

  /** Gives the lock back. Closes the tunnels and ends the data plane before, or leaves all that to the process that takes the place of this one. */
  async stop(ending: "asked" | "replaced" = "asked"): Promise<void> {
    try {
      await this.#services.stop(ending);
    } finally {
      if (ending === "replaced") this.#claimed.leave();
      else this.#claimed.release();
    }
    this.events.tell({ code: ending === "replaced" ? "left" : "stopped" });
    await this.log.flush();
  }

  async #start(): Promise<void> {
    const { settings, warnings } = this.#running.loaded;
    for (const warning of warnings) this.events.tell({ code: "config-warning", warning });
    await this.#names.recover();
    await this.#services.start();
    const { name, addresses } = settings.live.identity.credential;
    const { device, port, kind: dataPlane, adopted } = this.#dataPlane.describe();
    const version = packageVersion();
    const { pid } = process;
    this.events.tell({ code: "ready", name, addresses, device, port, dataPlane, adopted, version, pid });
  }
}
