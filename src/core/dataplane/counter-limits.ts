/** From here on the session should be replaced (reliability R14). */
export const COUNTER_HIGH: bigint = 2n ** 34n;
/** Nothing is sent above this: the counter is the nonce and must never wrap (reliability R14). */
export const COUNTER_LAST: bigint = 2n ** 64n - 1n - 2n ** 40n;
