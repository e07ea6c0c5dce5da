import { ok, type Result } from "../../src/core/base/result.ts";
import type { EnrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import type { Told } from "../enrolment/announcements.ts";
import type { WaitingHost } from "../enrolment/requests.ts";
import type { SigningBatch } from "../enrolment/signing/batch.ts";
import { withDesk } from "./desk.ts";
import { RemoteService } from "./remote.ts";
import { localOperator, type StoreFlags } from "./service-files.ts";

/** What is asked of a service whose authority's key is elsewhere. */
export interface SigningDesk {
  /** Who waits, and whether a revocation list waits for a signature. */
  list(): Promise<Result<Waiting, EnrolmentRefusal>>;
  waiting(): Promise<Result<SigningBatch, EnrolmentRefusal>>;
  /** Resolves to the host's name. */
  deliver(id: string, certificate: string): Promise<Result<string, EnrolmentRefusal>>;
  accept(bulletin: string): Promise<Result<Told, EnrolmentRefusal>>;
  deny(id: string, reason: string): Promise<Result<unknown, EnrolmentRefusal>>;
}

export interface Waiting {
  readonly hosts: readonly WaitingHost[];
  readonly isListDue: boolean;
}

/** More than anybody decides about one by one. */
const ROWS_MAX = 10_000;

export interface SigningDeskFlags extends StoreFlags {
  readonly remote?: string;
}

/** Runs with the service that the flags mean: one elsewhere, or the storage here. */
export async function withSigningDesk<Value>(
  flags: SigningDeskFlags,
  work: (desk: SigningDesk) => Promise<Value>,
): Promise<Value> {
  if (flags.remote !== undefined) return work(await remoteDesk(flags.remote));
  const { waitingHosts } = await import("../enrolment/requests.ts");
  const { Announcements } = await import("../enrolment/announcements.ts");
  const { localPublisher } = await import("./publisher.ts");
  return withDesk(flags, async ({ desk, registrar, database }) => {
    const announcements = new Announcements(database, registrar, desk, localPublisher(undefined));
    return work({
      list: async () => {
        const { isDue } = await announcements.newest();
        return ok({ hosts: await waitingHosts(database, ROWS_MAX), isListDue: isDue });
      },
      waiting: () => desk.waiting(localOperator().nowSeconds),
      deliver: async (id, certificate) => {
        const delivered = await desk.deliver(id, certificate, localOperator());
        return delivered.ok ? ok(delivered.value.name) : delivered;
      },
      accept: (bulletin) => announcements.accept(bulletin, localOperator()),
      deny: (id, reason) => desk.deny(id, reason, localOperator()),
    });
  });
}

async function remoteDesk(file: string): Promise<SigningDesk> {
  const service = new RemoteService(file);
  const { doneAnswer, listAnswer, requestsAnswer, toldAnswer } = await import("../enrolment/http/operator-shapes.ts");
  const { signingBatch } = await import("../enrolment/signing/batch.ts");
  const done = async (path: string, body: object): Promise<Result<string, EnrolmentRefusal>> => {
    const reply = await service.ask({ method: "POST", path, body, answer: doneAnswer });
    return reply.ok ? ok(reply.value.name) : reply;
  };
  return {
    list: async () => {
      const hosts = await service.ask({ method: "GET", path: "/v1/requests", answer: requestsAnswer });
      if (!hosts.ok) return hosts;
      const list = await service.ask({ method: "GET", path: "/v1/revocations", answer: listAnswer });
      return list.ok ? ok({ hosts: hosts.value.items, isListDue: list.value.isDue }) : list;
    },
    waiting: () => service.ask({ method: "GET", path: "/v1/signing", answer: signingBatch }),
    deliver: (id, certificate) => done(`/v1/requests/${id}/certificate`, { certificate }),
    accept: (bulletin) =>
      service.ask({ method: "POST", path: "/v1/bulletins", body: { bulletin }, answer: toldAnswer }),
    deny: (id, reason) => done(`/v1/requests/${id}/deny`, { reason }),
  };
}
