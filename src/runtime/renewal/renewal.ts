import { toHex } from "../../core/base/bytes.ts";
import type { Clock } from "../../core/base/time.ts";
import type { Certificate } from "../../core/cert/certificate.ts";
import { parseCertificates } from "../../core/cert/decode.ts";
import { endingOf, renewalDueAt } from "../../core/cert/lifetime.ts";
import type { Settings } from "../../core/config/settings.ts";
import { checkRenewal } from "../../core/enrolment/check-renewal.ts";
import type { EnrolmentFile } from "../../core/enrolment/enrolment-file.ts";
import type { EnrolAnswer, IssuedAnswer, RenewRequest } from "../../core/enrolment/messages.ts";
import { retryMs } from "../../core/enrolment/retry.ts";
import { endpointAddress, parseEndpoint } from "../../core/netip/endpoint.ts";
import { contains } from "../../core/netip/prefix.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { PinnedPlace } from "../enrolment/pinned-connection.ts";
import type { ServiceReply } from "../enrolment/service-client.ts";
import { FileError } from "../files/atomic-file.ts";
import { nodeSuite } from "../node-crypto.ts";
import { OperatorError } from "../operator-error.ts";
import type { Health, Service } from "../service.ts";
import { systemWords } from "../system-words.ts";
import { type Hindrance, RenewalFiles } from "./renewal-files.ts";
import { notRenewed } from "./renewal-warnings.ts";
import { type Trouble, troubleHealth } from "./trouble.ts";

/** The wall clock can be set while nothing happens: it is looked at this often at least. */
const LOOK_MS_MAX = 600_000;

export interface RenewalOptions {
  readonly settings: () => Settings;
  readonly clock: () => Clock;
  /** When a certificate is to be renewed for another reason than its end, Unix seconds. */
  readonly dueBefore: (certificate: Certificate) => bigint | undefined;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly version: string;
  readonly ask: (place: PinnedPlace, asked: RenewRequest, signal: AbortSignal) => Promise<ServiceReply<EnrolAnswer>>;
  /** Brings what lies on disk into force. Throws an OperatorError when it cannot. */
  readonly apply: () => void;
  readonly tell: (event: OperatorEvent) => void;
  /** On the host that founded the network, the command that enrols it. */
  readonly onFirstHost: () => string | undefined;
}

/** Gives this host its next certificate in time: from the service, over the mesh where that is possible, without a lost packet. */
export class Renewal implements Service {
  readonly name = "renewal";
  readonly #options: RenewalOptions;
  #timer: NodeJS.Timeout | undefined;
  #asking: AbortController | undefined;
  #trouble: Trouble | undefined;
  #failures = 0;
  /** Of the monotonic clock: not to be asked before. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  start(): void {
    this.#look();
  }

  /** There may be another certificate, or somebody has mended what kept it from being renewed. */
  reload(): void {
    if (this.#asking) return;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#trouble = undefined;
    this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  health(): readonly Health[] {
    if (!this.#trouble) return this.#withoutRenewal();
    const againMs = this.#notBefore - this.#options.clock().now;
    const ending = endingOf(this.#first(), this.#nowSeconds());
    return [troubleHealth(this.#trouble, { failures: this.#failures, againMs, ending })];
  }

  #withoutRenewal(): readonly Health[] {
    const { settings, onFirstHost } = this.#options;
    const command = settings().live.renewal ? undefined : onFirstHost();
    if (command === undefined) return [];
    const { what: text, todo } = notRenewed(command);
    return [{ code: "renewal-absent", severity: "warning", text, todo }];
  }

  #look(): void {
    clearTimeout(this.#timer);
    const { renewal } = this.#options.settings().live;
    if (this.#isStopped || !renewal || this.#asking) return;
    const files = RenewalFiles.open(renewal);
    const kept = files.ok ? files.value.read() : files;
    const waitMs = this.#waitMs();
    if (!files.ok || !kept.ok) {
      if (!kept.ok) this.#hindered(kept.reason);
      this.#lookAfter(LOOK_MS_MAX);
    } else if (waitMs > 0) {
      if (this.#trouble?.of === "hindered") this.#trouble = undefined;
      this.#lookAfter(waitMs);
    } else void this.#renew(files.value, kept.value);
  }

  #lookAfter(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), Math.min(ms, LOOK_MS_MAX)).unref();
  }

  #waitMs(): number {
    const { now } = this.#options.clock();
    const first = this.#first();
    const [byAge, otherwise] = [renewalDueAt(first), this.#options.dueBefore(first)];
    const due = otherwise === undefined || byAge < otherwise ? byAge : otherwise;
    const dueMs = 1_000 * Number(due - this.#nowSeconds());
    return Math.max(dueMs, this.#notBefore - now);
  }

  async #renew(files: RenewalFiles, kept: EnrolmentFile): Promise<void> {
    this.#asking = new AbortController();
    try {
      // What was signed before a power cut, or put there by somebody, needs nobody's answer.
      if (!this.#isNewer(files.certificates())) await this.#fetch(files, kept, this.#asking.signal);
      else this.#apply();
    } finally {
      this.#asking = undefined;
    }
    this.#look();
  }

  async #fetch(files: RenewalFiles, kept: EnrolmentFile, signal: AbortSignal): Promise<void> {
    const { version, ask } = this.#options;
    const main = this.#first();
    const asked: RenewRequest = {
      certificate: main.fingerprint,
      secret: kept.secret,
      curve: main.curve,
      publicKey: toHex(main.publicKey),
      time: Number(this.#nowSeconds()),
      version,
    };
    const reply = await ask({ endpoints: this.#inOrder(kept.endpoints), key: kept.pin }, asked, signal);
    if (this.#isStopped) return;
    if (!reply.ok) {
      const { what, why, todo, final } = reply.reason;
      this.#failed({ of: final ? "refused" : "failing", why: `${what}: ${why}`, todo });
    } else if (reply.value.status === "pending") this.#pending(reply.value);
    else this.#take(files, kept, reply.value);
  }

  #take(files: RenewalFiles, kept: EnrolmentFile, answer: IssuedAnswer): void {
    const { settings, clock } = this.#options;
    const { identity } = settings().live;
    const checked = checkRenewal(answer.certificates, identity, { suite: nodeSuite, wall: clock().wall });
    if (checked.ok) this.#put(files, kept, answer);
    else this.#failed({ of: "failing", why: checked.reason, todo: "look at the service: lacis-cert list" });
  }

  #put(files: RenewalFiles, kept: EnrolmentFile, { certificates, renewal, network }: IssuedAnswer): void {
    const endpoints = network.service.length > 0 ? network.service : kept.endpoints;
    try {
      files.replace({ ...kept, endpoints, secret: renewal }, certificates);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const why = `${error.file} cannot be written: ${systemWords(error)}`;
      this.#failed({ of: "failing", why, todo: "make room, or mend the file's mode and owner" });
      return;
    }
    this.#apply();
  }

  #apply(): void {
    const { apply, tell } = this.#options;
    try {
      apply();
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const why = `the new certificate lies on disk and is not in force: ${error.complaint.details?.[0] ?? error.message}`;
      this.#failed({ of: "failing", why, todo: error.complaint.todo });
      return;
    }
    const { name, notBefore, notAfter } = this.#first();
    this.#failures = 0;
    this.#trouble = undefined;
    // A service whose certificates are due at once is not asked in a circle.
    this.#notBefore = this.#options.clock().now + retryMs(1, { life: notAfter - notBefore, chance: 1 });
    const secondsLeft = Number(notAfter - this.#nowSeconds());
    tell({ code: "certificate-renewed", name, notAfter: Number(notAfter), secondsLeft });
  }

  #hindered({ why, todo, isLost }: Hindrance): void {
    const onFirst = isLost ? this.#options.onFirstHost() : undefined;
    this.#tellTrouble({ of: "hindered", why, todo: onFirst ?? todo }, LOOK_MS_MAX);
  }

  #failed(trouble: Trouble): void {
    this.#failures++;
    const { notAfter, notBefore } = this.#first();
    const wait = retryMs(this.#failures, { life: notAfter - notBefore, chance: this.#options.chance() });
    this.#notBefore = this.#options.clock().now + wait;
    this.#tellTrouble(trouble, wait);
  }

  #pending({ id, why, pollSeconds }: Extract<EnrolAnswer, { status: "pending" }>): void {
    const isNews = this.#trouble?.of !== "pending";
    this.#failures = 0;
    this.#notBefore = this.#options.clock().now + 1_000 * pollSeconds;
    this.#trouble = { of: "pending", why, todo: `whoever holds the authority's key: lacis-cert approve ${id}` };
    if (isNews) this.#options.tell({ code: "certificate-pending", id, why });
  }

  #tellTrouble(trouble: Trouble, againMs: number): void {
    const isNews = this.#trouble?.why !== trouble.why;
    this.#trouble = trouble;
    const { why, todo } = trouble;
    if (isNews)
      this.#options.tell({ code: "certificate-not-renewed", why, todo, againSeconds: Math.round(againMs / 1_000) });
  }

  /** Of our certificates, the one that ends first. */
  #first(): Certificate {
    const { certificates } = this.#options.settings().live.identity.credential;
    const all = Object.values(certificates).filter((one): one is Certificate => one !== undefined);
    return all.reduce((first, other) => (other.notAfter < first.notAfter ? other : first));
  }

  #isNewer(pem: string | undefined): boolean {
    const onDisk = pem === undefined ? undefined : parseCertificates(pem, nodeSuite);
    const { fingerprint, notAfter, version } = this.#first();
    const same = onDisk?.ok ? onDisk.value.find((one) => one.version === version) : undefined;
    return same !== undefined && same.fingerprint !== fingerprint && same.notAfter > notAfter;
  }

  /** Those in the mesh first: nobody outside has to see who talks to the authority, and there it is reached from everywhere. */
  #inOrder(endpoints: readonly string[]): readonly string[] {
    const { networks } = this.#options.settings().live.identity.credential;
    const isInside = (place: string): boolean => {
      const literal = parseEndpoint(place);
      return literal !== undefined && networks.some((network) => contains(network, endpointAddress(literal)));
    };
    return [...endpoints.filter(isInside), ...endpoints.filter((place) => !isInside(place))];
  }

  #nowSeconds(): bigint {
    return this.#options.clock().wall / 1_000_000_000n;
  }
}
