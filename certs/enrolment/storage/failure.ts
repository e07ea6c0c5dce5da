import type { Refusal } from "../../refusal.ts";

/** What keeps a storage from doing its work. */
export type StorageTrouble = "full" | "unavailable" | "newer" | "damaged" | "missing-package" | "disagrees";

/** The storage does not do what it was asked, and nothing of it was done. In words for whoever runs the service. */
export class StorageFailure extends Error {
  readonly trouble: StorageTrouble;
  readonly refusal: Refusal;

  constructor(trouble: StorageTrouble, refusal: Refusal, cause?: unknown) {
    super(`${refusal.what} - ${refusal.why} - ${refusal.todo}`, { cause });
    this.name = "StorageFailure";
    this.trouble = trouble;
    this.refusal = refusal;
  }
}
