/** A token is used on the day on which it was made. */
export const DEFAULT_TOKEN_SECONDS: number = 4 * 3_600;
/** Hosts renew after two thirds of it: a service may be gone for ten days. */
export const DEFAULT_LIFETIME_SECONDS: number = 30 * 86_400;
